"""The world: who exists. One file, validated as a whole, and read again when it changes."""
