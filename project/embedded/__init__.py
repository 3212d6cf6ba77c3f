"""What lets Nodewise run on a bare machine: its own servers, model files, simulator, demo."""
