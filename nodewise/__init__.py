"""What a Django project adds in one line each: `nodewise.urls`, `.asgi`, `.schedule`, `.health`."""
