ROTARY = {}
