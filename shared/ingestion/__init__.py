"""From a master to a published track: uploads, validation, transcoding, publishing."""
