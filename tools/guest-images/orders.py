#!/usr/bin/python3
"""Takes orders into a database for ever: inserts, looks up, changes, and drops the oldest."""
import random
import sqlite3
import sys
import time

chance = random.Random(sys.argv[1])
words = open("/usr/share/common-licenses/GPL-3").read().split()
db = sqlite3.connect("/var/tmp/orders.db")
db.execute("pragma cache_size = -16000")
db.execute("create table if not exists orders (id integer primary key, customer int, price real, note text)")
db.execute("create index if not exists by_customer on orders (customer)")


def customer():
    return chance.randint(1, 5000)


while True:
    with db:
        db.executemany(
            "insert into orders (customer, price, note) values (?, ?, ?)",
            [(customer(), chance.random() * 100, " ".join(chance.choices(words, k=12))) for _ in range(500)])
    for _ in range(20):
        db.execute("select count(*), sum(price) from orders where customer = ?", (customer(),)).fetchone()
    with db:
        db.execute("update orders set price = price * 1.01 where customer = ?", (customer(),))
        if db.execute("select count(*) from orders").fetchone()[0] > 60000:
            db.execute("delete from orders where id in (select id from orders order by id limit 15000)")
    time.sleep(0.05)
