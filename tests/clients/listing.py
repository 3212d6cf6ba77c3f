"""The clients of the matrix: packages at one version each, the script that drives them, notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

STEPS = ("chat", "stream", "tools", "structured", "embeddings", "errors", "usage")


@dataclass(frozen=True, slots=True)
class MatrixClient:
    """A client or SDK: `shown` in the matrix, `packages` with their versions.

    Clients of one `folder` share an environment. `known` says of a step why it fails, where that
    isn't our fault.
    """

    shown: str
    folder: str
    packages: tuple[str, ...]
    script: str
    environment: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    leading: str = ""  # the package whose version is shown, where it isn't the first one

    @property
    def version(self) -> str:
        """What the matrix shows of its packages."""
        begins = (f"{self.leading}@", f"{self.leading}==")
        found = [each for each in self.packages if self.leading and each.startswith(begins)]
        return found[0] if found else self.packages[0]

    @property
    def is_node(self) -> bool:
        """Whether it is JavaScript."""
        return self.script.endswith(".mjs")


def _python(
    shown: str,
    folder: str,
    script: str,
    *packages: str,
    known: Mapping[str, str] = MappingProxyType({}),
    leading: str = "",
    **more: str,
) -> MatrixClient:
    return MatrixClient(shown, folder, packages, f"{script}.py", more, known, leading)


def _node(shown: str, leading: str, script: str) -> MatrixClient:
    return MatrixClient(shown, "node", NODE, script, leading=leading)


def _node_alone(
    shown: str,
    folder: str,
    script: str,
    *packages: str,
    known: Mapping[str, str] = MappingProxyType({}),
    **more: str,
) -> MatrixClient:
    """One whose packages would not go together with the others'."""
    leading = packages[0].rpartition("@")[0]
    return MatrixClient(shown, folder, packages, script, more, known, leading)


TABLES = "before any request it fetches OpenAI's tables of tokens, which clients here don't reach"
CAMEL = dict.fromkeys(("chat", "tools", "structured", "usage"), TABLES)


NODE = (
    "openai@6.49.0", "@anthropic-ai/sdk@1.14.0", "ai@6.0.326", "@ai-sdk/openai@3.0.141",
    "@ai-sdk/anthropic@3.0.140", "@ai-sdk/openai-compatible@2.0.92", "@langchain/openai@1.5.8",
    "@langchain/core@1.4.0", "zod@4.6.7",
)  # fmt: skip
LANGCHAIN = (
    "langchain==1.5.2", "langchain-openai==1.7.4", "langchain-anthropic==1.7.10",
    "langgraph==1.2.24",
)  # fmt: skip
LLAMA_INDEX = (
    "llama-index-llms-openai-like==0.8.1", "llama-index-core==0.14.25",
    "llama-index-embeddings-openai-like==0.4.0",
)  # fmt: skip
PYDANTIC_AI = ("pydantic-ai-slim[openai,anthropic]==2.68.0",)
AGNO = ("agno==3.1.10", "openai==3.57.0", "anthropic==2.14.0")
AGENT_FRAMEWORK = ("agent-framework-openai==1.17.0", "agent-framework-core==1.23.0")
AUTOGEN = ("autogen-ext[openai]==0.7.5", "autogen-agentchat==0.7.5")
AGENTS_NODE = ("@openai/agents@0.20.0", "zod@4.6.7")
CLAUDE_AGENT = ("@anthropic-ai/claude-agent-sdk@0.3.332", "zod@4.6.7")
ANTHROPIC_NODE = ("@langchain/anthropic@1.5.11", "@langchain/core@1.4.0", "zod@4.6.7")
INSPECT = ("inspect-ai==0.3.285", "openai==3.57.0", "anthropic==2.14.0")
AI_7 = ("ai@7.0.173", "zod@4.6.7")
CHATLAS = ("chatlas[anthropic]==0.23.0", "openai==3.57.0")
OPENCODE = ("opencode-ai@1.18.33",)
PI = ("@mariozechner/pi-coding-agent@0.73.1",)
QWEN = ("@qwen-code/qwen-code@0.24.4",)
COPILOT = ("@github/copilot@1.0.102",)
CONTINUE = ("@continuedev/openai-adapters@1.37.0",)
PIPECAT = ("pipecat-ai[openai,anthropic]==1.14.0",)
LIVEKIT = ("livekit-plugins-openai==1.8.9",)
AG2 = ("ag2[openai,anthropic]==1.2.1",)
BAML = ("baml-py==0.226.3", "pydantic==2.13.4")
TANSTACK = ("@tanstack/ai-openai@0.23.1", "@tanstack/ai@0.58.0", "zod@4.6.7")
MULTI_LLM = ("multi-llm-ts@5.1.1",)
PROMPTFOO = ("promptfoo@0.123.1",)
MIRASCOPE = ("mirascope[openai]==2.8.2",)
LANGCHAIN_VENDORS = (
    "langchain-openrouter==0.2.9", "langchain-deepseek==1.1.1", "langchain-ollama==1.1.0",
    "langchain-core==1.8.3",
)  # fmt: skip
AGENTSCOPE = ("agentscope==2.0.11", "openai==3.57.0", "anthropic==2.14.0")
CLAUDE_AGENT_PY = ("claude-agent-sdk==0.2.189",)
STRANDS_NODE = ("@strands-agents/sdk@1.16.0", "openai@6.49.0", "zod@4.6.7")
XSAI = (
    "@xsai/generate-text@0.4.4", "@xsai/stream-text@0.4.4", "@xsai/generate-object@0.4.4",
    "@xsai/embed@0.4.4", "@xsai/tool@0.4.4", "zod@4.6.7", "valibot@1.5.0",
)  # fmt: skip
LANGGRAPH_NODE = (
    "@langchain/langgraph@1.7.3", "@langchain/openai@1.5.8", "@langchain/core@1.4.0", "zod@4.6.7",
)  # fmt: skip
CONTINUE_CLI = ("@continuedev/cli@1.5.47",)
RAGAS = (
    "ragas==0.4.3", "langchain-community==0.3.31", "instructor==1.17.0", "anthropic==0.125.0",
)  # fmt: skip
GRAPHITI = (
    "graphiti-core==0.31.2", "openai==3.57.0", "anthropic==0.125.0", "httpx==0.28.1",
)  # fmt: skip
AGENTKIT = ("@inngest/agent-kit@0.13.2", "inngest@4.24.0", "zod@4.6.7")

CLIENTS = (
    _python("openai, chat", "openai", "openai_chat", "openai==3.57.0"),
    _python("openai, responses", "openai", "openai_responses", "openai==3.57.0"),
    _python("openai 1, chat", "openai_1", "openai_chat", "openai==1.109.1"),
    _python("openai 1, responses", "openai_1", "openai_responses", "openai==1.109.1"),
    _python("anthropic, at an OpenAI provider", "anthropic", "anthropic_messages",
            "anthropic==2.14.0", AT="openai"),
    _python("anthropic, at an Anthropic provider", "anthropic", "anthropic_messages",
            "anthropic==2.14.0", AT="anthropic"),
    _python("openai, Azure's addresses", "openai", "azure_openai", "openai==3.57.0"),
    _python("groq", "groq", "openai_likes", "groq==1.7.0", AT="groq"),
    _python("together", "together", "openai_likes", "together==3.1.1", AT="together"),
    _python("cerebras", "cerebras", "openai_likes", "cerebras-cloud-sdk==1.91.0",
            AT="cerebras.cloud.sdk"),
    _python("mistralai", "mistralai", "mistral_sdk", "mistralai==3.7.0"),
    _python("portkey", "portkey", "portkey_sdk", "portkey-ai==2.3.4"),
    _python("huggingface_hub", "huggingface_hub", "huggingface_inference",
            "huggingface-hub==2.4.0"),
    _python("langchain-openai", "langchain", "langchain_openai_chat", *LANGCHAIN),
    _python("langchain-anthropic", "langchain", "langchain_anthropic_chat", *LANGCHAIN),
    _python("langgraph agents", "langchain", "langgraph_agent", *LANGCHAIN),
    _python("langchain-openrouter", "langchain_vendors", "langchain_vendors", *LANGCHAIN_VENDORS,
            AT="openrouter"),
    _python("langchain-deepseek", "langchain_vendors", "langchain_vendors", *LANGCHAIN_VENDORS,
            leading="langchain-deepseek", AT="deepseek"),
    _python("langchain-ollama", "langchain_vendors", "langchain_vendors", *LANGCHAIN_VENDORS,
            leading="langchain-ollama", AT="ollama"),
    _python("llama-index OpenAILike", "llama_index", "llama_index_like", *LLAMA_INDEX),
    _python("pydantic-ai, chat", "pydantic_ai", "pydantic_ai_chat", *PYDANTIC_AI),
    _python("pydantic-ai, responses", "pydantic_ai", "pydantic_ai_responses", *PYDANTIC_AI),
    _python("pydantic-ai, Anthropic", "pydantic_ai", "pydantic_ai_anthropic", *PYDANTIC_AI),
    _python("instructor", "instructor", "instructor_modes", "instructor[anthropic]==1.17.0"),
    _python("openai-agents, responses", "openai_agents", "openai_agents_sdk",
            "openai-agents==0.24.0", AT="responses"),
    _python("openai-agents, chat", "openai_agents", "openai_agents_sdk",
            "openai-agents==0.24.0", AT="chat_completions"),
    _python("dspy", "dspy", "dspy_program", "dspy==3.4.1", "numpy==2.4.6"),
    _python("litellm as a client", "litellm", "litellm_client", "litellm==1.110.2"),
    _python("smolagents", "smolagents", "smolagents_agents", "smolagents[openai]==1.26.0"),
    _python("haystack", "haystack", "haystack_generator", "haystack-ai==3.4.1"),
    _python("agno, chat", "agno", "agno_agent", *AGNO, AT="chat"),
    _python("agno, responses", "agno", "agno_agent", *AGNO, AT="responses"),
    _python("autogen", "autogen", "autogen_agent", *AUTOGEN),
    _python("Agent Framework, chat", "agent_framework", "agent_framework_agent",
            *AGENT_FRAMEWORK, AT="chat"),
    _python("Agent Framework, responses", "agent_framework", "agent_framework_agent",
            *AGENT_FRAMEWORK, AT="responses"),
    _python("browser-use, chat", "browser_use", "browser_use_llm", "browser-use==0.13.14",
            AT="openai"),
    _python("browser-use, Anthropic", "browser_use", "browser_use_llm", "browser-use==0.13.14",
            AT="anthropic"),
    _python("strands", "strands", "strands_agent", "strands-agents[openai,anthropic]==1.62.0"),
    _python("semantic-kernel", "semantic_kernel", "semantic_kernel_chat",
            "semantic-kernel==1.45.0"),
    _python("guidance", "guidance", "guidance_program", "guidance==0.3.1", "openai==3.57.0"),
    _python("outlines", "outlines", "outlines_openai", "outlines[openai]==1.3.3"),
    _python("llm", "llm", "llm_tool", "llm==0.36"),
    _python("mirascope, responses", "mirascope", "mirascope_calls", *MIRASCOPE),
    _python("mirascope, chat", "mirascope", "mirascope_calls", *MIRASCOPE, AT=":completions"),
    _python("google-adk by LiteLlm", "google_adk", "google_adk_agent", "google-adk==2.13.0",
            "litellm==1.110.2"),
    _python("crewai", "crewai", "crewai_crew", "crewai==1.15.30"),
    _python("any-llm", "any_llm", "any_llm_sdk", "any-llm-sdk[openai,anthropic]==1.40.2"),
    _python("aisuite", "aisuite", "aisuite_client", "aisuite[openai]==0.2.0"),
    _python("langfuse's openai", "langfuse", "langfuse_openai", "langfuse==5.0.4",
            "openai==3.57.0"),
    _python("griptape", "griptape", "griptape_agent", "griptape==1.13.0"),
    _python("camel", "camel", "camel_agent", "camel-ai==0.2.90", "mcp==1.30.0",
            known=CAMEL),
    _python("magentic", "magentic", "magentic_prompts", "magentic==0.41.1", "openai==3.57.0"),
    _python("chatlas, chat", "chatlas", "chatlas_chat", *CHATLAS, AT="openai"),
    _python("chatlas, Anthropic", "chatlas", "chatlas_chat", *CHATLAS, AT="anthropic"),
    _python("inspect-ai, chat", "inspect_ai", "inspect_ai_tasks", *INSPECT, AT="openai"),
    _python("inspect-ai, responses", "inspect_ai", "inspect_ai_tasks", *INSPECT, AT="responses"),
    _python("inspect-ai, Anthropic", "inspect_ai", "inspect_ai_tasks", *INSPECT, AT="anthropic"),
    _python("pipecat, chat", "pipecat", "pipecat_service", *PIPECAT, AT="chat"),
    _python("pipecat, responses", "pipecat", "pipecat_service", *PIPECAT, AT="responses"),
    _python("livekit, chat", "livekit", "livekit_llm", *LIVEKIT, AT="chat"),
    _python("livekit, responses", "livekit", "livekit_llm", *LIVEKIT, AT="responses"),
    _python("ag2, chat", "ag2", "ag2_agent", *AG2, AT="chat"),
    _python("ag2, responses", "ag2", "ag2_agent", *AG2, AT="responses"),
    _python("ag2, Anthropic", "ag2", "ag2_agent", *AG2, AT="anthropic"),
    _python("baml, chat", "baml", "baml_functions", *BAML, AT="openai-generic"),
    _python("baml, responses", "baml", "baml_functions", *BAML, AT="openai-responses"),
    _python("baml, Anthropic", "baml", "baml_functions", *BAML, AT="anthropic"),
    _python("deepagents", "deepagents", "deepagents_agent", "deepagents==0.7.32",
            "langchain-openai==1.7.4"),
    _python("AgentScope, chat", "agentscope", "agentscope_model", *AGENTSCOPE, AT="chat"),
    _python("AgentScope, responses", "agentscope", "agentscope_model", *AGENTSCOPE,
            AT="responses"),
    _python("AgentScope, Anthropic", "agentscope", "agentscope_model", *AGENTSCOPE,
            AT="anthropic"),
    _python("Claude's agent SDK, at an OpenAI provider", "claude_agent_py", "claude_agent_py",
            *CLAUDE_AGENT_PY, AT="openai"),
    _python("Claude's agent SDK, at an Anthropic provider", "claude_agent_py", "claude_agent_py",
            *CLAUDE_AGENT_PY, AT="anthropic"),
    _python("DeepEval", "deepeval", "deepeval_judge", "deepeval==4.3.1", "openai==3.57.0"),
    _python("Phoenix evals", "phoenix", "phoenix_evals", "arize-phoenix-evals==3.9.4",
            "openai==3.57.0"),
    _python("langextract", "langextract", "langextract_tool", "langextract[openai]==1.7.1",
            "openai==3.57.0"),
    _python("ragas, chat", "ragas", "ragas_metrics", *RAGAS, AT="openai"),
    _python("ragas, Anthropic", "ragas", "ragas_metrics", *RAGAS, AT="anthropic"),
    _python("lm-evaluation-harness", "lm_eval", "lm_eval_task", "lm-eval[api]==0.4.13"),
    _python("autoevals", "autoevals", "autoevals_judge", "autoevals==0.4.1", "openai==3.57.0"),
    _python("curator", "curator", "curator_rows", "bespokelabs-curator==0.1.31"),
    _python("graphiti, chat", "graphiti", "graphiti_clients", *GRAPHITI, AT="chat"),
    _python("graphiti, responses", "graphiti", "graphiti_clients", *GRAPHITI, AT="responses"),
    _python("graphiti, Anthropic", "graphiti", "graphiti_clients", *GRAPHITI, AT="anthropic"),
    _python("Codex's SDK, without its sandbox", "codex_py", "codex_sdk_py",
            "openai-codex==0.163.0"),
    _python("Open Interpreter", "interpreter", "open_interpreter_chat", "open-interpreter==0.4.3",
            "setuptools==80.9.0"),
    _python("openrouter", "openrouter_python", "openrouter_client", "openrouter==1.3.84"),
    _python("mem0", "mem0", "mem0_memory", "mem0ai==2.2.1"),
    _python("mini-SWE-agent", "mini_swe", "mini_swe_agent", "mini-swe-agent==2.4.6"),
    _python("gptme", "gptme", "gptme_cli", "gptme==0.35.1"),
    _python("shell-gpt", "shell_gpt", "shell_gpt_cli", "shell-gpt==1.5.1", "click==8.3.1"),
    _python("aider", "aider", "aider_script", "aider-chat==0.86.2"),
    _python("ollama", "ollama", "ollama_client", "ollama==0.6.3"),
    _python("httpx, no SDK", "httpx", "httpx_raw", "httpx==0.28.1"),
    _node("openai (npm)", "openai", "openai_node.mjs"),
    _node_alone("openai 7 (npm)", "openai_7", "openai_node.mjs", "openai@7.59.0", "zod@4.6.7"),
    _node("@anthropic-ai/sdk (npm)", "@anthropic-ai/sdk", "anthropic_node.mjs"),
    _node("ai, @ai-sdk/openai", "@ai-sdk/openai", "ai_sdk_openai.mjs"),
    _node("ai, @ai-sdk/openai-compatible", "@ai-sdk/openai-compatible", "ai_sdk_compatible.mjs"),
    _node("ai, @ai-sdk/anthropic", "@ai-sdk/anthropic", "ai_sdk_anthropic.mjs"),
    _node_alone("ai 7, @ai-sdk/openai", "ai_7_openai", "ai_sdk_openai.mjs",
                "@ai-sdk/openai@4.0.118", *AI_7),
    _node_alone("ai 7, @ai-sdk/openai-compatible", "ai_7_compatible", "ai_sdk_compatible.mjs",
                "@ai-sdk/openai-compatible@3.0.92", *AI_7),
    _node_alone("ai 7, @ai-sdk/anthropic", "ai_7_anthropic", "ai_sdk_anthropic.mjs",
                "@ai-sdk/anthropic@4.0.105", *AI_7),
    _node_alone("ai 7, @openrouter/ai-sdk-provider", "openrouter_node", "openrouter_ai_sdk.mjs",
                "@openrouter/ai-sdk-provider@3.1.0", *AI_7),
    _node_alone("TanStack AI (npm), chat", "tanstack", "tanstack_ai.mjs", *TANSTACK, AT="chat"),
    _node_alone("TanStack AI (npm), responses", "tanstack", "tanstack_ai.mjs", *TANSTACK,
                AT="responses"),
    _node_alone("effect (npm)", "effect", "effect_ai.mjs", "@effect/ai-openai@0.41.0"),
    _node_alone("multi-llm-ts (npm), chat", "multi_llm", "multi_llm.mjs", *MULTI_LLM, AT="openai"),
    _node_alone("multi-llm-ts (npm), responses", "multi_llm", "multi_llm.mjs", *MULTI_LLM,
                AT="responses"),
    _node_alone("multi-llm-ts (npm), Anthropic", "multi_llm", "multi_llm.mjs", *MULTI_LLM,
                AT="anthropic"),
    _node_alone("@mistralai/mistralai (npm)", "mistral_node", "mistral_node.mjs",
                "@mistralai/mistralai@2.7.0"),
    _node_alone("@huggingface/inference (npm)", "hf_node", "hf_inference.mjs",
                "@huggingface/inference@4.13.30"),
    _node_alone("portkey (npm)", "portkey_node", "portkey_node.mjs", "portkey-ai@3.1.0"),
    _node_alone("ollama (npm)", "ollama_node", "ollama_node.mjs", "ollama@0.6.4"),
    _node_alone("promptfoo (npm), chat", "promptfoo", "promptfoo_eval.mjs", *PROMPTFOO,
                AT="openai:chat"),
    _node_alone("promptfoo (npm), responses", "promptfoo", "promptfoo_eval.mjs", *PROMPTFOO,
                AT="openai:responses"),
    _node_alone("promptfoo (npm), Anthropic", "promptfoo", "promptfoo_eval.mjs", *PROMPTFOO,
                AT="anthropic:messages"),
    _node_alone("@openrouter/sdk (npm)", "openrouter_sdk", "openrouter_sdk.mjs",
                "@openrouter/sdk@1.3.19"),
    _node_alone("mastra (npm)", "mastra", "mastra_agent.mjs", "@mastra/core@1.71.0", "zod@4.6.7"),
    _node_alone("ax (npm)", "ax", "ax_program.mjs", "@ax-llm/ax@24.0.21"),
    _node("@langchain/openai (npm)", "@langchain/openai", "langchain_node.mjs"),
    _node_alone("@langchain/anthropic (npm), at an OpenAI provider", "langchain_anthropic_node",
                "langchain_anthropic_node.mjs", *ANTHROPIC_NODE, AT="openai"),
    _node_alone("@langchain/anthropic (npm), at an Anthropic provider", "langchain_anthropic_node",
                "langchain_anthropic_node.mjs", *ANTHROPIC_NODE, AT="anthropic"),
    _node_alone("@openai/agents (npm), responses", "agents_node", "openai_agents_node.mjs",
                *AGENTS_NODE, AT="responses"),
    _node_alone("@openai/agents (npm), chat", "agents_node", "openai_agents_node.mjs",
                *AGENTS_NODE, AT="chat"),
    _node_alone("Claude's agent SDK (npm), at an OpenAI provider", "claude_agent",
                "claude_agent_sdk.mjs", *CLAUDE_AGENT, AT="openai"),
    _node_alone("Claude's agent SDK (npm), at an Anthropic provider", "claude_agent",
                "claude_agent_sdk.mjs", *CLAUDE_AGENT, AT="anthropic"),
    _node_alone("Codex (npm)", "codex", "codex_exec.mjs", "@openai/codex@0.171.0"),
    _node_alone("Codex's SDK (npm), without its sandbox", "codex_sdk", "codex_sdk.mjs",
                "@openai/codex-sdk@0.163.0"),
    _node_alone("strands (npm), chat", "strands_node", "strands_node.mjs", *STRANDS_NODE,
                AT="chat"),
    _node_alone("strands (npm), responses", "strands_node", "strands_node.mjs", *STRANDS_NODE,
                AT="responses"),
    _node_alone("xsAI (npm)", "xsai", "xsai_functions.mjs", *XSAI),
    _node_alone("langgraph agents (npm)", "langgraph_node", "langgraph_node.mjs",
                *LANGGRAPH_NODE),
    _node_alone("genkit (npm)", "genkit", "genkit_node.mjs", "@genkit-ai/compat-oai@1.42.0",
                "genkit@1.42.0"),
    _node_alone("llamaindex (npm)", "llamaindex_node", "llamaindex_node.mjs",
                "llamaindex@0.12.1", "@llamaindex/openai@0.4.23", "zod@4.6.7"),
    _node_alone("instructor (npm)", "instructor_node", "instructor_node.mjs",
                "@instructor-ai/instructor@1.7.0", "openai@4.104.0", "zod@3.25.76"),
    _node_alone("opencode (npm), chat", "opencode", "opencode_run.mjs", *OPENCODE,
                AT="@ai-sdk/openai-compatible"),
    _node_alone("opencode (npm), responses", "opencode", "opencode_run.mjs", *OPENCODE,
                AT="@ai-sdk/openai"),
    _node_alone("opencode (npm), Anthropic", "opencode", "opencode_run.mjs", *OPENCODE,
                AT="@ai-sdk/anthropic"),
    _node_alone("pi (npm), chat", "pi", "pi_agent.mjs", *PI, AT="openai-completions"),
    _node_alone("pi (npm), responses", "pi", "pi_agent.mjs", *PI, AT="openai-responses"),
    _node_alone("pi (npm), Anthropic", "pi", "pi_agent.mjs", *PI, AT="anthropic-messages"),
    _node_alone("Qwen Code (npm), chat", "qwen_code", "qwen_code.mjs", *QWEN, AT="openai"),
    _node_alone("Qwen Code (npm), Anthropic", "qwen_code", "qwen_code.mjs", *QWEN,
                AT="anthropic"),
    _node_alone("Copilot's CLI (npm), chat", "copilot", "copilot_cli.mjs", *COPILOT,
                AT="completions"),
    _node_alone("Copilot's CLI (npm), responses", "copilot", "copilot_cli.mjs", *COPILOT,
                AT="responses"),
    _node_alone("Copilot's CLI (npm), Anthropic", "copilot", "copilot_cli.mjs", *COPILOT,
                AT="anthropic"),
    _node_alone("Cline's CLI (npm)", "cline", "cline_cli.mjs", "cline@3.0.65"),
    _node_alone("Continue's CLI (npm), OpenAI", "continue_cli", "continue_cli.mjs", *CONTINUE_CLI,
                AT="openai"),
    _node_alone("Continue's CLI (npm), Anthropic", "continue_cli", "continue_cli.mjs",
                *CONTINUE_CLI, AT="anthropic"),
    _node_alone("AgentKit (npm), chat", "agentkit", "agentkit_agent.mjs", *AGENTKIT, AT="openai"),
    _node_alone("AgentKit (npm), Anthropic", "agentkit", "agentkit_agent.mjs", *AGENTKIT,
                AT="anthropic"),
    _node_alone("VoltAgent (npm)", "voltagent", "voltagent_agent.mjs", "@voltagent/core@2.10.0",
                "@ai-sdk/openai-compatible@2.0.92", "ai@6.0.326", "zod@4.6.7"),
    _node_alone("grok-cli (npm)", "grok_cli", "grok_cli.mjs", "@vibe-kit/grok-cli@0.0.34"),
    _node_alone("Token.js (npm)", "token_js", "token_js.mjs", "token.js@0.7.1"),
    _node_alone("Continue's adapters (npm), OpenAI", "continue", "continue_adapters.mjs",
                *CONTINUE, AT="openai"),
    _node_alone("Continue's adapters (npm), Anthropic", "continue", "continue_adapters.mjs",
                *CONTINUE, AT="anthropic"),
)  # fmt: skip
