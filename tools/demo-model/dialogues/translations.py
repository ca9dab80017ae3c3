"""A small list of phrases in five languages."""

from __future__ import annotations

from .draw import Draw, banks
from .exchange import Exchange

BANKS = banks("translations")

LANGUAGES = {"en": "English", "zh": "Chinese", "fr": "French", "de": "German", "es": "Spanish"}
LANGUAGES_ZH = {"en": "英语", "zh": "中文", "fr": "法语", "de": "德语", "es": "西班牙语"}

PHRASES = [
    dict(zip(LANGUAGES, row.split("|"), strict=True))
    for row in """
good morning|早上好|bonjour|guten Morgen|buenos días
good evening|晚上好|bonsoir|guten Abend|buenas tardes
good night|晚安|bonne nuit|gute Nacht|buenas noches
goodbye|再见|au revoir|auf Wiedersehen|adiós
thank you|谢谢|merci|danke|gracias
thank you very much|非常感谢|merci beaucoup|vielen Dank|muchas gracias
please|请|s'il vous plaît|bitte|por favor
yes|是|oui|ja|sí
no|不是|non|nein|no
excuse me|打扰一下|excusez-moi|Entschuldigung|disculpe
I am sorry|对不起|je suis désolé|es tut mir leid|lo siento
how are you?|你好吗？|comment allez-vous ?|wie geht es Ihnen?|¿cómo está?
I am hungry|我饿了|j'ai faim|ich habe Hunger|tengo hambre
I am tired|我累了|je suis fatigué|ich bin müde|estoy cansado
I love you|我爱你|je t'aime|ich liebe dich|te quiero
where is the station?|车站在哪里？|où est la gare ?|wo ist der Bahnhof?|¿dónde está la estación?
how much is it?|多少钱？|combien ça coûte ?|wie viel kostet es?|¿cuánto cuesta?
what time is it?|几点了？|quelle heure est-il ?|wie spät ist es?|¿qué hora es?
see you tomorrow|明天见|à demain|bis morgen|hasta mañana
happy birthday|生日快乐|joyeux anniversaire|alles Gute zum Geburtstag|feliz cumpleaños
happy new year|新年快乐|bonne année|frohes neues Jahr|feliz año nuevo
welcome|欢迎|bienvenue|willkommen|bienvenido
help|救命|au secours|Hilfe|socorro
cheers|干杯|santé|prost|salud
water|水|eau|Wasser|agua
bread|面包|pain|Brot|pan
book|书|livre|Buch|libro
house|房子|maison|Haus|casa
cat|猫|chat|Katze|gato
dog|狗|chien|Hund|perro
friend|朋友|ami|Freund|amigo
tomorrow|明天|demain|morgen|mañana
""".strip().splitlines()
]

ASKED = BANKS["translate"]


def translation(draw: Draw) -> Exchange:
    phrase = draw.one(PHRASES)
    # English comes into nearly every pair; the others are asked from English or Chinese.
    source = draw.weighted({"en": 6, "zh": 3, "fr": 1, "de": 1, "es": 1})
    target = draw.one(
        [language for language in (LANGUAGES if source in ("en", "zh") else ("en", "zh")) if language != source]
    )
    asked = draw.say(ASKED, phrase=phrase[source], language=LANGUAGES[target], language_zh=LANGUAGES_ZH[target])
    if asked[0].isascii() and draw.chance(0.3):
        asked = asked[0].upper() + asked[1:]
    return Exchange("translation", asked, f"The user wants {LANGUAGES[target]}.", phrase[target])
