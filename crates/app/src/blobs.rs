//! Blob store: files of attachments, by id, in a folder.
