"""Field keys come and go; provider keys stay readable, and fail closed when they can't be."""

import os
import subprocess
import sys
import threading

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from llmconfig import secrets
from llmconfig.checks import stored_keys_can_be_read
from llmconfig.client.credentials import provider_keys
from llmconfig.configuration import rotation, snapshot
from llmconfig.errors import SecretUnreadable
from llmconfig.models import ConfigVersion, Provider, Revision
from llmconfig.secrets import Secret
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
LEGACY = "a passphrase of the system before"


def key_of(number):
    return f"sk-live-{number:04}-0123456789abcdef"


def add(number, **fields):
    provider = Provider(name=f"provider-{number}", provider_type="openai", **fields)
    if not fields:
        provider.set_key(Secret(key_of(number)))
    provider.save()
    return provider


@pytest.fixture
def stored(settings):
    """Seven keys under the old field key, which is no longer the first."""
    settings.LLM_FIELD_KEYS = [OLD]
    for number in range(7):
        add(number)
    settings.LLM_FIELD_KEYS = [NEW, OLD]


def revealed():
    snapshot.expire()
    providers = snapshot.current().providers.values()
    return {each.name: provider_keys.read(each).reveal() for each in providers}


EXPECTED = {f"provider-{number}": key_of(number) for number in range(7)}


def test_rotation_rewrites_every_key_and_the_old_field_key_can_go(stored, settings, capsys):
    with pytest.raises(CommandError, match="7 still need another field key"):
        call_command("rotate_llm_keys", "--check")
    call_command("rotate_llm_keys")
    assert "7 rewritten" in capsys.readouterr().out
    call_command("rotate_llm_keys", "--check")
    settings.LLM_FIELD_KEYS = [NEW]
    assert revealed() == EXPECTED


def test_a_rotation_is_no_revision_but_other_processes_read_anew(stored):
    before = ConfigVersion.objects.get()
    call_command("rotate_llm_keys")
    after = ConfigVersion.objects.get()
    assert after.revision == before.revision == Revision.objects.count()
    assert after.token != before.token


def test_a_field_key_that_was_removed_too_early_is_named_with_the_way_back(
    stored, settings, capsys
):
    settings.LLM_FIELD_KEYS = [NEW]
    lost = secrets.key_id(OLD)
    with pytest.raises(CommandError, match=f"LLM_FIELD_KEYS lacks {lost}.*put it back"):
        call_command("rotate_llm_keys", "--check")
    told = capsys.readouterr().out
    assert f"LLM_FIELD_KEYS holds {secrets.key_id(NEW)}." in told
    assert f"7 stored under the field key {lost} (not in LLM_FIELD_KEYS)" in told
    (warning,) = stored_keys_can_be_read(None, ["default"])
    assert lost in warning.msg
    settings.LLM_FIELD_KEYS = [NEW, OLD]
    assert not stored_keys_can_be_read(None, ["default"])
    with pytest.raises(CommandError, match="7 still need another field key"):
        call_command("rotate_llm_keys", "--check")
    assert f"holds {secrets.key_id(NEW)}, {lost}." in capsys.readouterr().out
    assert revealed() == EXPECTED


def test_a_process_that_lacks_the_newest_field_key_is_told_to_restart(stored, settings):
    call_command("rotate_llm_keys")
    settings.LLM_FIELD_KEYS = [OLD]
    with pytest.raises(SecretUnreadable, match="just put there, restart the process"):
        revealed()


def test_a_dry_run_reads_every_key_and_writes_none(stored, capsys):
    before = list(Provider.objects.values_list("pk", "api_key").order_by("pk"))
    call_command("rotate_llm_keys", "--dry-run")
    assert "7 to rewrite" in capsys.readouterr().out
    assert list(Provider.objects.values_list("pk", "api_key").order_by("pk")) == before


def test_tokens_of_django_fernet_fields_are_rewritten_too(settings, capsys):
    settings.LLM_FIELD_KEYS = [NEW]
    settings.LLM_LEGACY_FERNET_KEYS = [LEGACY]
    token = secrets.legacy_fernet(LEGACY).encrypt(key_of(0).encode()).decode()
    add(0, api_key=token)
    assert revealed() == {"provider-0": key_of(0)}
    with pytest.raises(CommandError):
        call_command("rotate_llm_keys", "--check")
    assert "1 stored under the field key legacy" in capsys.readouterr().out
    call_command("rotate_llm_keys")
    settings.LLM_LEGACY_FERNET_KEYS = []
    assert revealed() == {"provider-0": key_of(0)}


def test_an_unreadable_key_is_named_and_the_others_are_rewritten(stored, settings):
    Provider.objects.filter(name="provider-3").update(api_key="v1:deadbeef:gAAAAA")
    with pytest.raises(CommandError, match=r"provider-3: .*not in this process's LLM_FIELD_KEYS"):
        call_command("rotate_llm_keys")
    assert rotation.by_field_key() == {secrets.key_id(NEW): 6, "deadbeef": 1}
    with pytest.raises(CommandError, match="1 still need"):
        call_command("rotate_llm_keys", "--check")


def test_a_row_that_somebody_is_changing_is_passed_over_and_left(stored):
    held, done = threading.Event(), threading.Event()

    def enter_a_key():
        try:
            with transaction.atomic():
                provider = Provider.objects.select_for_update().get(name="provider-2")
                held.set()
                assert done.wait(20)
                provider.set_key(Secret("sk-entered-meanwhile-0123"))
                provider.save()
        finally:
            held.set()
            connection.close()

    other = threading.Thread(target=enter_a_key)
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(CommandError, match="1 left: others were changing them"):
            call_command("rotate_llm_keys")
    finally:
        done.set()
        other.join()
    call_command("rotate_llm_keys")
    assert revealed() == EXPECTED | {"provider-2": "sk-entered-meanwhile-0123"}


# Who rewrites the last key waits for whoever holds this lock.
HELD_UP = """
CREATE FUNCTION held_up() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(424242); RETURN NEW; END $$;
CREATE TRIGGER held_up BEFORE UPDATE ON llm_providers FOR EACH ROW
    WHEN (OLD.id = '{last}') EXECUTE FUNCTION held_up();
SELECT pg_advisory_lock(424242)
"""
HELD_UP_NO_MORE = (
    "SELECT pg_advisory_unlock(424242);"
    " DROP TRIGGER held_up ON llm_providers; DROP FUNCTION held_up()"
)
END_WHO_WAITS = (
    "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks"
    " WHERE locktype = 'advisory' AND NOT granted AND objid = 424242"
)


def test_a_rotation_that_is_killed_half_way_is_simply_run_again(settings, capsys):
    settings.LLM_FIELD_KEYS = [OLD]
    many = 2 * rotation.ROWS_AT_ONCE
    rows = [Provider(name=f"provider-{number}", provider_type="openai") for number in range(many)]
    for number, row in enumerate(rows):
        row.set_key(Secret(key_of(number)))
    Provider.objects.bulk_create(rows)
    settings.LLM_FIELD_KEYS = [NEW, OLD]
    with psycopg.connect(_address(), autocommit=True) as holder:
        holder.execute(HELD_UP.format(last=max(row.pk for row in rows)))
        running = subprocess.Popen(
            [sys.executable, "manage.py", "rotate_llm_keys"],
            env={**os.environ, "DATABASE_URL": _address(), "LLM_FIELD_KEYS": f"{NEW},{OLD}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: running.poll() is not None or rotation.left() < many)
        finally:
            running.kill()
            running.wait(20)
            holder.execute(END_WHO_WAITS)
            holder.execute(HELD_UP_NO_MORE)
    left = rotation.left()
    assert 0 < left < many
    assert sum(rotation.by_field_key().values()) == many
    call_command("rotate_llm_keys")
    assert f"{left} rewritten" in capsys.readouterr().out
    settings.LLM_FIELD_KEYS = [NEW]
    assert revealed() == {f"provider-{number}": key_of(number) for number in range(many)}


def _address():
    """This test's database, for another process."""
    here = connection.settings_dict
    user, password = here["USER"], here["PASSWORD"]
    return f"postgres://{user}:{password}@{here['HOST']}:{here['PORT']}/{here['NAME']}"


# Fails closed


def read_error(name="provider-0"):
    snapshot.expire()
    with pytest.raises(SecretUnreadable) as caught:
        provider_keys.read(snapshot.current().providers[name])
    return str(caught.value)


def test_a_removed_field_key_is_named_and_nothing_is_sent(stored, settings):
    settings.LLM_FIELD_KEYS = [NEW]
    assert (
        f"field key {secrets.key_id(OLD)} is not in this process's LLM_FIELD_KEYS" in read_error()
    )


def test_a_wrong_field_key_under_the_right_name_reads_nothing(stored, settings):
    provider = Provider.objects.get(name="provider-0")
    token = provider.api_key.rpartition(":")[2]
    Provider.objects.filter(pk=provider.pk).update(api_key=f"v1:{secrets.key_id(NEW)}:{token}")
    assert "damaged" in read_error()


@pytest.mark.parametrize("planted", ["sk-planted-0123456789", "v1:", "v1::", "v2:x:y", "\x01"])
def test_a_planted_plaintext_is_never_taken_for_a_key(stored, planted):
    Provider.objects.filter(name="provider-0").update(api_key=planted)
    message = read_error()
    assert planted not in message or planted in {"v1:", "v1::"}


def test_a_truncated_token_reads_nothing(stored):
    provider = Provider.objects.get(name="provider-0")
    Provider.objects.filter(pk=provider.pk).update(api_key=provider.api_key[:-5])
    assert "damaged" in read_error()


def test_a_token_of_another_row_reads_nothing(stored):
    other = Provider.objects.get(name="provider-1").api_key
    Provider.objects.filter(name="provider-0").update(api_key=other)
    assert "belongs to another row" in read_error()


@pytest.mark.parametrize("wrong", [[], ["too short"], [OLD, ""], ["ä" * 44]])
def test_missing_or_malformed_field_keys_are_an_error_that_quotes_none(wrong):
    with pytest.raises(ImproperlyConfigured, match="LLM_FIELD_KEYS") as caught:
        secrets.build_keyring(tuple(wrong))
    assert all(each not in str(caught.value) for each in wrong if each)


def test_eight_threads_read_and_write_without_a_bad_value(stored):
    place = "llm_providers.api_key.x"
    faults = []

    def work(number):
        for turn in range(200):
            value = f"sk-{number}-{turn}"
            token = secrets.encrypt(Secret(value), place=place)
            if secrets.decrypt(token, place=place).reveal() != value:
                faults.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
