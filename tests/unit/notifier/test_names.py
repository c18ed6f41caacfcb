"""A contact's name as mails show it: whole, on one line, and never something that a mail program turns into a link."""

from hypothesis import given
from hypothesis import strategies as st

from notifier_service.content.names import NAME_LENGTH, display_name, has_link
from tests.kit.cases import cases

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@cases(
    "name",
    [
        "Md.Rahman",
        "md.rahman",
        "J.R.R. Tolkien",
        "A.B.Cooper",
        "Dr.Strange",
        "Jean-Luc.Picard",
        "Ph.D",
        "T.J. Maxx",
        "Acme Inc.",
        "Total S.A.",
        "Node.js Team",
        "U.S. Bank",
        "Sammy Davis Jr.",
        "O'Neil",
        "AC/DC",
        "Ada c/o Babbage",
        "Müller & Söhne GmbH",
        "Agent 007",
        "Ada Lovelace 3rd",
        "林小雨",
        "林·小雨",
        "नीरज क्\u200dष",
        "مریم می\u200cخواهد",
        FAMILY,
    ],
)
def test_an_honest_name_is_shown_as_it_is(name: str) -> None:
    assert display_name(name) == name


@cases(
    ("name", "shown"),
    [
        ("Wei.Li", "Wei. Li"),
        ("wei.li", "wei. li"),
        ("Kim.Jong.Un", "Kim.Jong.Un"),
        ("Booking.com B.V.", "Booking. com B. V."),
        ("monday.com", "monday. com"),
        ("Foo Co.Ltd", "Foo Co. Ltd"),
        ("EVIL.COM", "EVIL. COM"),
        ("Evil．Com", "Evil． Com"),
        ("林.中国", "林. 中国"),
    ],
)
def test_a_name_that_would_become_a_link_gets_blanks_after_its_dots(name: str, shown: str) -> None:
    assert display_name(name) == shown


@cases(
    "name",
    [
        "t.me/prize",
        "T.me/Prize",
        "evil。example。com/a",
        "evil．com/a",
        "evil․com/a",
        "evil\u200d.com/a",
        "1.2.3.4/a",
        "www.evil.example",
        "WWW.EVIL.EXAMPLE",
        "ｗｗｗ．evil．example",
        "https://evil",
        "https：／／evil",
        "hxxp://evil",
        "//evil.com",
        "eve@evil.example",
        "eve＠evil.example",
        "mailto:eve@evil.com",
        "click evil.com now",
        "you won, see evil.example.com",
        "Call +1 (800) 555-0199",
        "tel:18005550199",
        "拨打 400-123-4567",
    ],
)
def test_what_is_a_link_or_a_telephone_number_is_not_shown(name: str) -> None:
    assert display_name(name) == ""


@given(
    st.text(max_size=80)
    | st.from_regex(r"([a-zA-Z]{1,5}[.。．｡․]|[a-z ]{1,4}){1,6}(com|me|LI|Info|рф|中国)(/[a-z]{0,3})?", fullmatch=True)
)
def test_no_name_is_shown_as_a_link(name: str) -> None:
    assert not has_link(display_name(name))


@cases("letters", range(NAME_LENGTH - 8, NAME_LENGTH + 2))
@cases("grapheme", [FAMILY, "e\u0301", "🇩🇪", "👍🏽", "각", "\u1100\u1161\u11a8", "नि", "❤\ufe0f"])
def test_a_long_name_is_cut_between_graphemes(letters: int, grapheme: str) -> None:
    fitting = max(NAME_LENGTH - letters, 0)
    assert display_name("x" * letters + grapheme * 3) == ("x" * letters)[:NAME_LENGTH] + grapheme * min(fitting, 3)


def test_a_long_name_does_not_end_in_a_blank() -> None:
    assert display_name("x" * (NAME_LENGTH - 1) + " y") == "x" * (NAME_LENGTH - 1)
