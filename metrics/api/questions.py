"""What may be asked: a time, dimensions to tell calls apart by, and values to keep."""

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request

from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.configuration import time_zones
from metrics.query_sources import MAX_DAYS_OF_CALLS
from metrics.questions import DIMENSIONS, Grain, MetricsQuestion, users_have_text_keys

USUAL_DAYS = 7
MAX_DAYS = {Grain.HOUR: 62, Grain.DAY: 1100}
MAX_DIMENSIONS = 3
MAX_ID = 2**63 - 1


class ZoneSerializer(StrictSerializer):
    """Whose days are meant."""

    time_zone = serializers.CharField(
        required=False,
        help_text="Whose days are meant, such as Europe/Berlin; LLM_TIME_ZONE unless given.",
    )

    def validate_time_zone(self, name: str) -> ZoneInfo:
        """A zone of the tz database."""
        try:
            return time_zones.named(name)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class TimeSerializer(ZoneSerializer):
    """The last seven days unless something else is given."""

    since = serializers.DateTimeField(required=False, help_text="Inclusive.")
    until = serializers.DateTimeField(required=False, help_text="Exclusive; now unless given.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both times, in order and not too far apart."""
        until = attrs.setdefault("until", dt.datetime.now(dt.UTC))
        try:
            since = attrs.setdefault("since", until - dt.timedelta(days=USUAL_DAYS))
        except OverflowError:
            raise serializers.ValidationError({"until": gettext("Give a later time.")}) from None
        if not since < until:
            raise serializers.ValidationError({"since": gettext("Give a time before `until`.")})
        most = MAX_DAYS[Grain(attrs.get("grain", Grain.DAY))]
        if until - since > dt.timedelta(days=most):
            raise serializers.ValidationError(
                {"since": gettext("Give at most {most} days.").format(most=most)}
            )
        return attrs


class GroupedQuerySerializer(TimeSerializer):
    """A time, and any of the dimensions with a value to keep only those calls."""

    node = serializers.CharField(required=False)
    type = serializers.CharField(required=False, help_text="The interaction type.")
    provider = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    tier = serializers.CharField(required=False, allow_blank=True)
    organization = serializers.IntegerField(required=False, min_value=-MAX_ID, max_value=MAX_ID)
    service = serializers.CharField(required=False, allow_blank=True)
    operation = serializers.CharField(required=False, allow_blank=True)
    outcome = serializers.CharField(
        required=False, allow_blank=True, help_text="An error's code; blank for success."
    )
    batch = serializers.UUIDField(
        required=False,
        help_text="The batch or conversation. Together with other dimensions, sums take at most"
        f" {MAX_DAYS_OF_CALLS} days.",
    )
    user = serializers.CharField(
        required=False,
        max_length=255,
        help_text="The key of the user whose choices applied; the same holds.",
    )
    key = serializers.CharField(
        required=False, allow_blank=True, help_text="The API key's name; the same holds."
    )
    end_user = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text=f"Whom the caller serves; sums take at most {MAX_DAYS_OF_CALLS} days then.",
    )
    tag = serializers.CharField(
        required=False,
        help_text="One of the caller's tags; the same holds. Told apart by tag, a call counts with"
        " each of its tags.",
    )

    def validate_user(self, text: str) -> int | str:
        """As the project's users are keyed."""
        if users_have_text_keys():
            return text
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > MAX_ID:
            raise serializers.ValidationError(gettext("Users have whole numbers as keys here."))
        return int(text)


class SumsSerializer(GroupedQuerySerializer):
    """The same, with how to tell calls apart."""

    by = serializers.CharField(
        required=False,
        help_text=f"At most {MAX_DIMENSIONS} of {', '.join(DIMENSIONS)}, separated by commas.",
    )
    grain = serializers.ChoiceField(
        Grain.choices,
        required=False,
        help_text="How long a period is: an hour, or a day of time_zone, which is usual.",
    )

    def validate_by(self, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        if len(names) > MAX_DIMENSIONS or len(set(names)) != len(names):
            raise serializers.ValidationError(
                gettext("Give at most {max_dimensions} different dimensions.").format(
                    max_dimensions=MAX_DIMENSIONS
                )
            )
        return names


def asked(
    request: Request, *, serializer: type[StrictSerializer] = SumsSerializer
) -> dict[str, Any]:
    """The checked query parameters; raises ValidationError naming the one at fault."""
    checked = serializer(data=request.query_params.dict())
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def question(values: dict[str, Any], **more: Any) -> MetricsQuestion:
    """The checked parameters of a request as a question to `metrics.queries`."""
    return MetricsQuestion(
        since=values["since"],
        until=values["until"],
        by=values.get("by", []),
        only={name: values[name] for name in DIMENSIONS if name in values},
        grain=Grain(values.get("grain", Grain.DAY)),
        zone=values.get("time_zone") or time_zones.default(),
        **more,
    )
