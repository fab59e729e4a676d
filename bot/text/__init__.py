"""What is written and read, without memory: GSM letters, phone numbers, languages, words, PINs starred out."""
