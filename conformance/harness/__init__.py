"""What every suite needs: a server to talk to, and the client's own toolchain."""
