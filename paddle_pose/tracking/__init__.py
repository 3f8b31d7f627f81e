"""People in videos: tracking, smoothing, crop regions and joint angles."""
