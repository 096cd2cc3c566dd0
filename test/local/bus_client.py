# A stand-in for the vendor's driver library for Python: the same calls at the same fixed path, on a D-Bus of its own that needs
# nothing but Python. It goes into a driver's package.
import json
import os
import socket
import struct
import threading
import time

ADDRESS = "/tmp/var/run/mbusd/mbusd_socket"
CALL, ANSWER, ERROR, SIGNAL = 1, 2, 3, 4
FIELDS = {"path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "reply": (5, "u"), "destination": (6, "s"), "signature": (8, "g")}
NAMES = {1: "path", 2: "interface", 3: "member", 4: "error", 5: "reply", 6: "destination", 7: "sender", 8: "signature"}


class Writer:
    def __init__(self):
        self.bytes = bytearray()

    def align(self, size):
        self.bytes += b"\0" * (-len(self.bytes) % size)

    def put(self, kind, value):
        if kind == "y":
            self.bytes.append(value)
        elif kind == "g":
            text = value.encode()
            self.bytes += bytes([len(text)]) + text + b"\0"
        elif kind in ("s", "o"):
            text = value.encode()
            self.put("u", len(text))
            self.bytes += text + b"\0"
        else:
            self.align(4)
            self.bytes += struct.pack("<i" if kind == "i" else "<I", value)


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def align(self, size):
        self.at += -self.at % size

    def get(self, kind):
        if kind == "g":
            length = self.data[self.at]
            self.at += 1
        elif kind in ("s", "o"):
            length = self.get("u")
        else:
            self.align(4)
            self.at += 4
            return struct.unpack_from("<i" if kind == "i" else "<I", self.data, self.at - 4)[0]
        text = self.data[self.at : self.at + length].decode()
        self.at += length + 1
        return text


def encode(kind, serial, fields, body):
    content = Writer()
    for one, value in zip(fields.get("signature", ""), body):
        content.put(one, value)
    head = Writer()
    for name, value in fields.items():
        code, form = FIELDS[name]
        head.align(8)
        head.put("y", code)
        head.put("g", form)
        head.put(form, value)
    message = Writer()
    message.bytes += bytes([ord("l"), kind, 0, 1])
    for number in (len(content.bytes), serial, len(head.bytes)):
        message.put("u", number)
    message.bytes += head.bytes
    message.align(8)
    return bytes(message.bytes + content.bytes)


def decode(message):
    reader = Reader(message, 16)
    end = 16 + struct.unpack_from("<I", message, 12)[0]
    fields = {}
    while reader.at < end:
        reader.align(8)
        code = message[reader.at]
        reader.at += 1
        fields[NAMES.get(code, code)] = reader.get(reader.get("g"))
    reader.align(8)
    body = [reader.get(one) for one in fields.get("signature", "")]
    return message[1], struct.unpack_from("<I", message, 8)[0], fields, body


class BusClient:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.serial = 0
        self.waiting = {}
        self.objects = {}
        self.lock = threading.Lock()

    def open(self, on_config):
        self.socket.connect(ADDRESS)
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        assert self.socket.recv(256).startswith(b"OK "), "not signed in"
        self.socket.sendall(b"BEGIN\r\n")
        threading.Thread(target=self.receive, daemon=True).start()
        self.bus("Hello", "")
        self.name = "iot.driver.id" + os.environ["FUNCTION_ID"]
        if self.bus("NameHasOwner", "s", self.name)[0]:
            raise SystemExit(0)
        self.take(self.name)

        def notify(member, key, value=""):
            if member == "notify_config":
                threading.Thread(target=on_config, args=(key, value), daemon=True).start()
            return ("i", 0)

        self.objects[self.name] = notify
        self.tell("registerDriver", {"params": {"driverLocalId": os.environ["FUNCTION_NAME"], "driverStartupTime": "0"}})

    def receive(self):
        data = b""
        while True:
            chunk = self.socket.recv(65536)
            if not chunk:
                os._exit(0)
            data += chunk
            while len(data) >= 16:
                body, _, head = struct.unpack_from("<III", data, 4)
                whole = 16 + head + -head % 8 + body
                if len(data) < whole:
                    break
                message, data = data[:whole], data[whole:]
                self.take_message(*decode(message))

    def take_message(self, kind, serial, fields, body):
        if kind in (ANSWER, ERROR):
            event, found = self.waiting.pop(fields["reply"], (None, None))
            if event:
                found.append((kind, body))
                event.set()
        elif kind == CALL:
            threading.Thread(target=self.answer, args=(serial, fields, body), daemon=True).start()

    def answer(self, serial, fields, body):
        # Drivers are called by their unique names too; the object is what the interface says.
        signature, value = self.objects[fields["interface"]](fields["member"], *body)
        self.send(ANSWER, {"reply": serial, "destination": fields["sender"], "signature": signature}, [value])

    def send(self, kind, fields, body):
        with self.lock:
            self.serial += 1
            serial = self.serial
            waiting = (threading.Event(), [])
            if kind == CALL:
                self.waiting[serial] = waiting
            self.socket.sendall(encode(kind, serial, fields, body))
        return waiting

    def call(self, name, member, signature, *body):
        # The library that the vendor's is built on looks a name up and calls its owner.
        owner = name if name == "org.freedesktop.DBus" else self.bus("GetNameOwner", "s", name)[0]
        fields = {"path": "/" + name.replace(".", "/"), "interface": name, "member": member, "destination": owner}
        if signature:
            fields["signature"] = signature
        event, found = self.send(CALL, fields, body)
        if not event.wait(8):
            raise RuntimeError("no answer to " + member)
        kind, values = found[0]
        if kind == ERROR:
            raise RuntimeError("%s: %s" % (member, values))
        return values

    def bus(self, member, signature, *body):
        return self.call("org.freedesktop.DBus", member, signature, *body)

    def take(self, name):
        code = self.bus("RequestName", "su", name, 0)[0]
        if code != 1:
            raise RuntimeError("the name %s was refused with %d" % (name, code))

    def tell(self, method, content):
        answer = json.loads(self.call("iot.dmp.dimu", method, "s", json.dumps(content))[0])
        if answer["code"] != 0:
            raise RuntimeError("%s: %s" % (method, answer["message"]))
        return answer["params"]

    def config(self, key):
        code, text = self.call("iot.dmp.configmanager", "get_config", "s", key)
        if code != 0:
            raise RuntimeError("%s: code %d" % (key, code))
        return json.loads(text)

    def subscribe(self, key):
        assert self.call("iot.dmp.configmanager", "subscribe_config", "ssi", self.name, key, 1) == [0], "not subscribed"

    def online(self, device, serve):
        # This library makes the device's name up by itself, and asks for it before it connects the device.
        device_id = device["productKey"] + "_" + device["deviceName"]
        name = "iot.device.id" + device_id
        self.take(name)

        def call_services(member, service="", text="{}"):
            code, params = serve(service, json.loads(text)["params"])
            outer = {"code": code, "message": "successfully" if code == 0 else "failed"}
            inner = params if service in ("get", "set") else dict(outer, data=params)
            return ("s", json.dumps(dict(outer, params=inner)))

        self.objects[name] = call_services
        told = {"productKey": device["productKey"], "deviceName": device["deviceName"], "driverName": os.environ["FUNCTION_NAME"]}
        self.tell("connect", dict(told, isLocal="False"))
        return device_id

    def report(self, device_id, member, content):
        name = "iot.device.id" + device_id
        fields = {"path": "/" + name.replace(".", "/"), "interface": name, "member": member, "destination": "iot.dmp.subscribe"}
        self.send(SIGNAL, dict(fields, signature="s"), [json.dumps(content, ensure_ascii=False)])

    def properties(self, device_id, values):
        now = int(time.time() * 1000)
        self.report(device_id, "propertiesChanged", {name: {"value": value, "time": now} for name, value in values.items()})
