"""One style of dates on every page, with the time zone."""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j M Y, H:i T"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i T"
MONTH_DAY_FORMAT = "j F"
TIME_FORMAT = "H:i"
