"""The listings' own addresses: their field is `animal_id`."""
