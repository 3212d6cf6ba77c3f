#!/bin/sh
# Package: tokenlens 1.3.1 (npm), with its own catalogue of models: getUsage, getTokenCosts, estimateCost.
# Behaviour seen: of 100,000 prompt tokens to gpt-4o-mini of which 90,000 came from the cache, it bills all 100,000 at the full
#   price and the 90,000 once more at the cached price: $0.0222, where none from the cache cost $0.0150. Both forms of usage
#   that it takes, OpenAI's own and the AI SDK's, count cached tokens within the prompt's. By its own prices it is $0.0087.
# One would guess: cached tokens are taken out of the prompt before the rest is priced, so that a hit makes a call cheaper.
# Why it matters: cost shown in a chat (it is what AI SDK's context widget is fed with) rises with each hit, up to 1.5 times
#   what the call costs without a cache and 2.6 times what it costs with it; caching looks like a loss.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund tokenlens@1.3.1
cat > program.mjs <<'JS'
import { defaultCatalog, getUsage } from "tokenlens";

const MODEL = "openai:gpt-4o-mini";
const PROMPT = 100_000;
const asOpenAI = (cached) => ({
  prompt_tokens: PROMPT, completion_tokens: 0, total_tokens: PROMPT, prompt_tokens_details: { cached_tokens: cached },
});
const asTheSDK = (cached) => ({ inputTokens: PROMPT, outputTokens: 0, totalTokens: PROMPT, cachedInputTokens: cached });
const cost = (usage) => Number(getUsage({ modelId: MODEL, usage, providers: defaultCatalog }).costUSD.totalUSD.toFixed(6));

const perToken = (cached) => cost(asOpenAI(cached)) - cost(asOpenAI(0));
const right = Number((cost(asOpenAI(0)) * 0.1 + perToken(90_000)).toFixed(6));
const seen = [cost(asOpenAI(0)), cost(asOpenAI(90_000)), cost(asTheSDK(90_000))];
console.log("tokenlens 1.3.1,", MODEL);
console.log("nothing from the cache:", seen[0], "- nine tenths from it:", seen[1], "(OpenAI's usage),", seen[2], "(AI SDK's)");
console.log("by its own prices nine tenths from the cache cost", right);
if (seen.join() !== "0.015,0.0222,0.0222" || right !== 0.0087) {
  console.log("changed: cached tokens are priced in another way now");
  process.exit(1);
}
console.log("as described: a cached token costs its full price and the cached one on top");
JS
node program.mjs
