"""One style of dates on every page, with the time zone."""

DATE_FORMAT = r"j \d\e F \d\e Y"
DATETIME_FORMAT = r"j \d\e M \d\e Y, H:i T"
SHORT_DATE_FORMAT = r"j \d\e M \d\e Y"
SHORT_DATETIME_FORMAT = r"j \d\e M \d\e Y, H:i T"
MONTH_DAY_FORMAT = r"j \d\e F"
TIME_FORMAT = "H:i"
