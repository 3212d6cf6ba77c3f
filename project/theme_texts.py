"""Texts of the admin's theme that its own catalogues have in English only.

Django looks into the project's catalogue first, so they are translated there: makemessages finds
them here.
"""

from django.utils.translation import gettext_noop as _

TEXTS = (
    _("Add new item"),
    _("Add row"),
    _("After you've created a user, you’ll be able to edit more user options."),  # noqa: RUF001 - as the theme has it
    _("All applications"),
    _("Apply Filters"),
    _("Choose file to upload"),
    _("Click to cancel"),
    _("Click to download"),
    _("Dark"),
    _("Date from"),
    _("Date to"),
    _("Expand row"),
    _("Forgotten your password or username?"),
    _("General"),
    _("Go back"),
    _("History"),
    _("Light"),
    _("Loading more results..."),
    _("More actions"),
    _("No data"),
    _("No recent searches"),
    _("No results found"),
    _("No results matching your query"),
    _("Not enough data."),
    _("Recent searches"),
    _("Reset filters"),
    _("Return to site"),
    _("Search apps and models..."),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can"  # noqa: RUF001 - as the theme has it
        " change the password using"
        ' <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    _("Select record"),
    _("System"),
    _("This item will be deleted."),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("Toggle password visibility"),
    _("Type to search"),
    _(
        "Whether the user will be able to authenticate using a password or not. If disabled, they"
        " may still be able to authenticate using other backends, such as Single Sign-On or LDAP."
    ),
    _("You have been successfully logged out from the administration"),
)
