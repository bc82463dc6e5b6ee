"""What social keeps in Firestore: follows, last plays, share links."""
