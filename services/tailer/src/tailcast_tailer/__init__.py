"""Files to streams: follows the files and appends their lines to the broker.

Never imports the gateway; what both need lives in `tailcast_streams`.
"""
