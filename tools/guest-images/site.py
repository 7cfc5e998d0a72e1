#!/usr/bin/python3
"""A small web site of two processes that remembers its visitors."""
import hashlib
import os
import socket
import sqlite3

from flask import Flask, jsonify, request
from werkzeug.serving import make_server

site = Flask(__name__)
visits = {}
listener = socket.create_server(("127.0.0.1", 8000), backlog=64)
os.fork()
store = sqlite3.connect(f"/var/lib/site.{os.getpid()}.db", check_same_thread=False)
store.execute("create table if not exists thing (name text primary key, text text)")


@site.route("/thing/<name>")
def thing(name):
    text = hashlib.sha256(name.encode()).hexdigest() * 8
    before = visits.get(name, {"count": 0})
    visits[name] = {"text": text, "visitor": request.headers.get("User-Agent"), "count": before["count"] + 1}
    with store:
        store.execute("insert or replace into thing values (?, ?)", (name, text))
    return jsonify(visits[name])


make_server("127.0.0.1", 8000, site, fd=listener.fileno()).serve_forever()
