"""Instructor, by tools and by JSON schema."""

import instructor
import openai
import pydantic
from instructor.core.exceptions import InstructorRetryException
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step

messages = [{"role": "user", "content": ASK}]


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def made(mode, key=KEY):
    return instructor.from_openai(
        openai.OpenAI(base_url=URL, api_key=key, max_retries=0), mode=mode
    )


@step("structured")
def structured():
    for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.JSON):
        expect(
            made(mode).chat.completions.create(model=MODEL, messages=messages, response_model=Dog),
            str(mode),
        )


@step("stream")
def stream():
    pieces = made(instructor.Mode.TOOLS).chat.completions.create_partial(
        model=MODEL, messages=messages, response_model=Dog
    )
    expect(list(pieces), "pieces")


@step("usage")
def usage():
    _, raw = made(instructor.Mode.TOOLS).chat.completions.create_with_completion(
        model=MODEL, messages=messages, response_model=Dog
    )
    expect(raw.usage.total_tokens, "tokens")


@step("errors")
def errors():
    wrong = made(instructor.Mode.TOOLS, "nw-wrong")
    ask = lambda: wrong.chat.completions.create(
        model=MODEL, messages=messages, response_model=Dog, max_retries=0
    )
    raises((openai.AuthenticationError, InstructorRetryException), ask)


main()
