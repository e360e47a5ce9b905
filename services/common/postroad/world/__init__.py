"""The world: who exists. One file, validated whole, read again when it changes."""
