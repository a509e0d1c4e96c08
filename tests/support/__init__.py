"""What the tests share: real servers, real databases, and a world of venues, schedules and buyers."""
