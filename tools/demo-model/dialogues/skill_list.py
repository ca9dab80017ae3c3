"""The skills that are asked for in English."""

from __future__ import annotations

from . import values
from .draw import banks
from .outcomes import amount, clock, done, file_text, found, output, person, price, weather, with_number
from .skills import NUMBER, TEXT, TRUTH, WHOLE, Skill, Slot

BANKS = banks("skills")
CITY = Slot(("city", "location", "place", "town"), TEXT, values.city)


def skill(key, names, description, slots, outcome, **more) -> Skill:
    return Skill(key, tuple(names.split()), description, slots, BANKS[key], outcome, **more)


SKILLS = [
    skill(
        "weather",
        "get_weather get_current_weather weather weather_lookup fetch_weather",
        "Get the weather for a city",
        {"city": CITY},
        weather,
        spare={"unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    ),
    skill(
        "time",
        "get_time current_time get_local_time clock",
        "Get the current time in a city",
        {"city": CITY},
        clock,
    ),
    skill(
        "now",
        "get_time now get_current_time",
        "Get the current time",
        {},
        clock,
    ),
    skill(
        "search",
        "search web_search search_web google search_docs",
        "Search the web",
        {"query": Slot(("query", "q", "search_query", "text"), TEXT, values.topic)},
        found,
    ),
    skill(
        "email",
        "send_email email send_mail",
        "Send an email",
        {
            "to": Slot(("to", "recipient", "address"), TEXT, values.email),
            "subject": Slot(("subject", "title"), TEXT, values.topic),
        },
        done,
    ),
    skill(
        "message",
        "send_message message notify send_sms",
        "Send a message to a person",
        {
            "name": Slot(("name", "to", "user", "person"), TEXT, values.first_name),
            "text": Slot(("text", "message", "body"), TEXT, values.sentence),
        },
        done,
    ),
    skill(
        "timer",
        "set_timer start_timer timer",
        "Set a timer",
        {"minutes": Slot(("minutes", "duration", "length"), WHOLE, values.small_number)},
        done,
    ),
    skill(
        "alarm",
        "set_alarm add_alarm alarm",
        "Set an alarm",
        {"time": Slot(("time", "at"), TEXT, values.time)},
        done,
    ),
    skill(
        "flight",
        "book_flight find_flight flight_search",
        "Book a flight",
        {
            "origin": Slot(("origin", "from", "from_city", "departure"), TEXT, values.city),
            "destination": Slot(("destination", "to", "to_city", "arrival"), TEXT, values.city),
            "date": Slot(("date", "day"), TEXT, values.date),
        },
        with_number,
    ),
    skill(
        "hotel",
        "book_hotel reserve_hotel",
        "Book a hotel room",
        {"city": CITY, "nights": Slot(("nights", "days", "count"), WHOLE, values.small_number)},
        with_number,
    ),
    skill(
        "user",
        "get_user find_user lookup_user",
        "Look up a user by name",
        {"name": Slot(("name", "user", "username"), TEXT, values.full_name)},
        person,
    ),
    skill(
        "light",
        "turn_on_light set_light switch_light",
        "Turn a light on or off",
        {
            "room": Slot(("room", "place", "light"), TEXT, values.word),
            "on": Slot(("on", "state", "enabled"), TRUTH, lambda draw: draw.chance(0.5)),
        },
        done,
    ),
    skill(
        "note",
        "create_note add_note save_note",
        "Save a note",
        {
            "text": Slot(
                ("text", "note", "content"),
                TEXT,
                lambda draw: draw.one([values.sentence, values.topic, values.noise])(draw),
            )
        },
        done,
    ),
    skill(
        "music",
        "play_music play_song play",
        "Play a song",
        {"title": Slot(("title", "song", "query"), TEXT, values.topic)},
        done,
    ),
    skill(
        "price",
        "get_stock_price stock_price get_price",
        "Get the price of a stock or product",
        {
            "thing": Slot(
                ("symbol", "ticker", "name", "product"), TEXT, lambda draw: draw.one([values.code, values.word])(draw)
            )
        },
        price,
    ),
    skill(
        "calculator",
        "calculator calculate evaluate eval_expression",
        "Evaluate an arithmetic expression",
        {
            "expression": Slot(
                ("expression", "formula", "input"),
                TEXT,
                lambda draw: (
                    f"{values.whole_number(draw)} {draw.one(['+', '-', '*', '/'])} {values.whole_number(draw)}"
                ),
            )
        },
        amount,
    ),
    skill(
        "add",
        "add add_numbers sum",
        "Add two numbers",
        {
            "a": Slot(("a", "x", "first"), NUMBER, lambda draw: draw.one([values.whole_number, values.decimal])(draw)),
            "b": Slot(("b", "y", "second"), NUMBER, values.whole_number),
        },
        amount,
    ),
    skill(
        "convert",
        "convert_currency exchange convert",
        "Convert an amount of money",
        {
            "amount": Slot(
                ("amount", "value"), NUMBER, lambda draw: draw.one([values.whole_number, values.decimal])(draw)
            ),
            "source": Slot(
                ("from", "source", "from_currency"),
                TEXT,
                lambda draw: draw.one(["USD", "EUR", "CNY", "JPY", "GBP", "CHF"]),
            ),
            "target": Slot(
                ("to", "target", "to_currency"), TEXT, lambda draw: draw.one(["USD", "EUR", "CNY", "JPY", "GBP", "CHF"])
            ),
        },
        amount,
    ),
    skill(
        "read_file",
        "Read read_file cat_file open_file",
        "Read a file",
        {"path": Slot(("file_path", "path", "filename"), TEXT, values.path)},
        file_text,
        spare={"limit": {"type": "integer"}},
    ),
    skill(
        "run",
        "Bash run_command shell execute",
        "Run a command in the shell",
        {
            "command": Slot(
                ("command", "cmd"),
                TEXT,
                lambda draw: (
                    f"{draw.one(['ls', 'cat', 'git log', 'python', 'wc -l', 'rm', 'head', 'make', 'du -sh', 'grep -n main'])} {values.path(draw)}"
                ),
            )
        },
        output,
    ),
    skill(
        "list_files",
        "LS list_files list_directory ls",
        "List the files in a folder",
        {"folder": Slot(("path", "folder", "directory"), TEXT, values.folder)},
        output,
    ),
    skill(
        "fetch",
        "fetch web_fetch read_page open_url",
        "Read a web page",
        {"url": Slot(("url", "link", "address"), TEXT, values.url)},
        file_text,
    ),
    skill(
        "event",
        "create_event add_event schedule",
        "Create an event in the calendar",
        {
            "title": Slot(("title", "name", "summary"), TEXT, values.topic),
            "when": Slot(
                ("when", "start", "time"),
                {"type": "object", "properties": {"date": TEXT, "time": TEXT}, "required": ["date", "time"]},
                lambda draw: {"date": values.date(draw), "time": values.time(draw)},
            ),
        },
        with_number,
    ),
    skill(
        "contact",
        "create_user add_contact save_contact create_contact",
        "Save a person and where they live",
        {
            "person": Slot(
                ("user", "person", "contact"),
                {
                    "type": "object",
                    "properties": {"name": TEXT, "age": WHOLE, "city": TEXT},
                    "required": ["name", "age", "city"],
                },
                lambda draw: {
                    "name": values.full_name(draw),
                    "age": values.small_number(draw),
                    "city": values.city(draw),
                },
            )
        },
        with_number,
    ),
    skill(
        "order",
        "create_order place_order order",
        "Order products",
        {
            "item": Slot(
                ("item", "product", "line"),
                {
                    "type": "object",
                    "properties": {"product": TEXT, "quantity": WHOLE},
                    "required": ["product", "quantity"],
                },
                lambda draw: {"product": values.word(draw), "quantity": values.small_number(draw)},
            ),
            "address": Slot(
                ("address", "ship_to", "delivery"),
                {"type": "object", "properties": {"name": TEXT, "city": TEXT}, "required": ["name", "city"]},
                lambda draw: {"name": values.full_name(draw), "city": values.city(draw)},
            ),
        },
        with_number,
    ),
    skill(
        "tags",
        "add_tags tag_item label",
        "Add tags to an item",
        {
            "id": Slot(("id", "item_id", "ticket"), TEXT, values.code),
            "tags": Slot(
                ("tags", "labels"),
                {"type": "array", "items": TEXT},
                lambda draw: [values.word(draw) for _ in range(draw.between(1, 3))],
            ),
        },
        done,
    ),
    skill(
        "database",
        "query_database run_query sql",
        "Run a query on the database",
        {
            "table": Slot(("table", "collection"), TEXT, values.identifier),
            "limit": Slot(("limit", "max", "rows"), WHOLE, values.small_number),
        },
        output,
    ),
]
