"""What a server and its workers must agree on; the endpoints are in ``cdfi.serve.work_routes``."""

VERSION = 1  # a worker and a server with different ones do not work together
JOBS = "/api/work"
