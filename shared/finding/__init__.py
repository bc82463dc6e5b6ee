"""What a search answers: results joined with the person who asks and with the documents found."""
