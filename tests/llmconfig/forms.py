"""The admin's forms, filled in as a browser would send them back."""

from django.urls import reverse


def fields_of(page):
    """The values that a browser would send back with a page's form."""
    form = page.context["adminform"].form
    data = {"_seen_revision": page.context["seen_revision"]}
    for bound in form:
        value = bound.value()
        if value is True:
            data[bound.html_name] = "on"
        elif isinstance(value, list):
            data[bound.html_name] = ",".join(value)
        elif value is not None and value is not False:  # a number 0 is neither
            data[bound.html_name] = str(value)
    for inline in page.context["inline_admin_formsets"]:
        for bound in inline.formset.management_form:
            data[bound.html_name] = str(bound.value())
        for row in inline.formset.initial_forms:
            for bound in row:
                if (value := bound.value()) is not None and value is not False:
                    data[bound.html_name] = str(value)
    return data


def address_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
