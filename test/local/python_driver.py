# A driver for Python: every device of its config comes online, reports what it was configured with, and can add.
import json
import os
import threading
import time

from bus_client import BusClient

client = BusClient()
online = {}
turn = threading.Lock()
KEY = "gw_driverconfig_" + os.environ["FUNCTION_ID"]


def follow(*_changed):
    with turn:
        handed = client.config(KEY)
        for device in handed["deviceList"]:
            device_id = online.get(device["deviceName"]) or begin(device)
            client.properties(device_id, {"unit": handed["config"]["json"]["unit"]})


def begin(device):
    device_id = device["productKey"] + "_" + device["deviceName"]

    def serve(service, args):
        if service == "add":
            return 0, {"sum": args["a"] + args["b"]}
        if service != "set":
            return -3, {}
        client.properties(device_id, args)
        return 0, {}

    client.online(device, serve)
    online[device["deviceName"]] = device_id
    model = client.config("gw_TSL_" + device["productKey"])
    slave = json.loads(device.get("custom", '{"slave":0}'))["slave"]
    client.properties(device_id, {"slave": slave, "model": model["profile"]["productKey"], "pid": os.getpid()})
    client.report(device_id, "started", {"params": {"time": int(time.time() * 1000), "value": {"slave": slave}}})
    print("online:", device["deviceName"])
    return device_id


client.open(follow)
client.subscribe(KEY)
follow()


def handler(event, context):
    return "ok"
