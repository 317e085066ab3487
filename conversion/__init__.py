"""Converters from the authors' checkpoints to this library's weights; the only place where pickles are read.

``python -m conversion NAME --checkpoint FILE`` or ``avssl convert NAME``. One module a checkpoint family, each with a
``NAMES`` tuple of the checkpoints it knows and a ``convert`` function; see ``registry.py``. Where the authors' file is
an archive, ``unpacked`` says which files a path stands for that is not the archive.
"""
