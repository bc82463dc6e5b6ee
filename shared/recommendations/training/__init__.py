"""From the log of signals to a bundle: weekly from nothing, hourly with what is new."""
