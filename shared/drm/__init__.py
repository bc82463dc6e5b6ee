"""Content keys and licences: who holds which key, wrapped, and how a browser asks for one."""
