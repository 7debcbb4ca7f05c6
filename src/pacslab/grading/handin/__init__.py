"""The student's side: progress, timeline, ticket, and the ZIP that is handed in."""
