"""Ways for alerts to leave the machine. Each import below registers a part."""

from sinks.alerts import apprise as apprise
from sinks.alerts import command as command
from sinks.alerts import heartbeat as heartbeat
from sinks.alerts import webhook as webhook
