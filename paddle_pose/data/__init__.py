"""What training and evaluation read: annotations, windows on images, augmentation and loading. No Paddle."""
