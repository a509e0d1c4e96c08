"""The payment page of the sandbox in Korean and English: plain HTML that works without a script."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from jari.sandbox.checkout import Checkout

CANCEL = "cancel"  # the choice not to pay


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says in one language."""

    title: str
    notice: str
    buyer: str
    order_number: str
    amount: str
    currency: str
    choose: str
    choices: Mapping[str, tuple[str, str]]
    leave: str
    left: str
    mistake: str
    paid_before: str


KOREAN = Words(
    title="모의 결제",
    notice="연습용 결제창입니다. 실제 돈은 움직이지 않으며, 카드 번호를 묻지 않습니다.",
    buyer="구매자",
    order_number="주문번호",
    amount="결제 금액",
    currency="원",
    choose="어떤 카드로 결제할까요?",
    choices={
        "good": ("테스트 카드", "승인되는 카드입니다."),
        "rejected": ("한도를 넘은 카드", "인증은 되지만 승인이 거절됩니다."),
        "slow": ("카드사가 대답하지 않는 카드", "승인은 되지만 대답이 아주 늦게 옵니다."),
    },
    leave="결제하지 않고 돌아가기",
    left="구매자가 결제를 취소했습니다.",
    mistake="결제를 시작할 수 없습니다",
    paid_before="이미 결제한 주문번호입니다. 상점으로 돌아가 주문을 확인하세요.",
)
ENGLISH = Words(
    title="Mock payment",
    notice="This payment window is for practice. No money moves, and no card number is asked for.",
    buyer="Buyer",
    order_number="Order number",
    amount="Amount",
    currency=" won",
    choose="Which card pays?",
    choices={
        "good": ("Test card", "Is approved."),
        "rejected": ("Card over its limit", "Authenticates, then is rejected."),
        "slow": ("Card whose company does not answer", "Is approved, but the answer comes very late."),
    },
    leave="Go back without paying",
    left="The buyer canceled the payment.",
    mistake="The payment cannot begin",
    paid_before="This order is paid already. Go back to the shop and look at your order.",
)
LANGUAGES: Mapping[str, Words] = {"ko": KOREAN, "en": ENGLISH}

# The links are relative, so that the page works wherever the sandbox is mounted.
_FRAME = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · SANDBOX</title>
<link rel="stylesheet" href="static/sandbox.css">
</head>
<body>
<p class="notice"><strong>SANDBOX</strong> {notice}</p>
<main>
{content}
</main>
</body>
</html>
"""
_ORDER = """<h1>{order_name}</h1>
<p class="amount">{amount}</p>
<dl>
{facts}
</dl>
<form method="post" action="pay">
{hidden}
<h2>{choose}</h2>
{buttons}
<button class="leave" name="choice" value="{cancel}">{leave}</button>
</form>"""
_FACT = "<div><dt>{name}</dt><dd>{value}</dd></div>"
_HIDDEN = '<input type="hidden" name="{name}" value="{value}">'
_BUTTON = '<button name="choice" value="{value}"><strong>{name}</strong><span>{description}</span></button>'
_MISTAKE = "<h1>{title}</h1>\n<p>{sentence}</p>"


def payment_page(checkout: Checkout, language: str) -> str:
    """The page that asks the buyer for a card."""
    words = LANGUAGES[language]
    facts = {words.order_number: checkout.order_id}
    if checkout.buyer_name:
        facts[words.buyer] = checkout.buyer_name
    content = _ORDER.format(
        order_name=escape(checkout.order_name),
        amount=f"{checkout.amount:,}{words.currency}",
        facts="\n".join(_FACT.format(name=name, value=escape(value)) for name, value in facts.items()),
        hidden="\n".join(
            _HIDDEN.format(name=name, value=escape(value)) for name, value in checkout.fields().items()
        ),
        choose=words.choose,
        buttons="\n".join(
            _BUTTON.format(value=value, name=name, description=description)
            for value, (name, description) in words.choices.items()
        ),
        cancel=CANCEL,
        leave=words.leave,
    )
    return _framed(content, language)


def mistake_page(sentence: str, language: str) -> str:
    """The page that says why there is nothing to pay."""
    words = LANGUAGES[language]
    return _framed(_MISTAKE.format(title=words.mistake, sentence=escape(sentence)), language)


def _framed(content: str, language: str) -> str:
    words = LANGUAGES[language]
    return _FRAME.format(language=language, title=words.title, notice=words.notice, content=content)
