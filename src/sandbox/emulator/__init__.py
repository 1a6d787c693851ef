"""The local AWS of the sandbox: moto plus what it lacks or loses."""
