"""What strangers try: each test is an attack, and says what must hold."""
