"""Import of listings: a file is read, mapped, cleaned, compared with what is there, and written."""
