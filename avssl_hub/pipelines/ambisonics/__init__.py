"""What can be done with a file of ambisonics: look into it, turn it, hear it, see it; each in bounded memory."""
