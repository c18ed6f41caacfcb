"""The files of the story of a firm that moves in: what its old system exports, and its own policy and prices later.

Names, prices and the old system are invented.
"""

from typing import Final

from subscription_service.policy_files import catalog

NORDWIND: Final = "K-1001"
LIN: Final = "K-1002"
OKORO: Final = "K-1003"
ADDRESSES: Final = {NORDWIND: "it@nordwind.example", LIN: "ops@lin.example", OKORO: "admin@okoro.example"}

CUSTOMERS: Final = """\
Kunde;Firma;Mail;Sprache;Auftrag;Beginn;Monate;Ende;Paket;Server;Verlaengerung;Guthaben
K-1001;Nordwind GmbH;it@nordwind.example;en;A-7001;2026-04-18;1;2026-05-17;advanced;3;;0
K-1002;Lin & Co;ops@lin.example;zh-CN;A-7044;2026-04-16;1;2026-05-15;advanced;2;1;100.00
K-1003;Okoro Ltd;admin@okoro.example;en;A-5120;2025-07-01;12;2026-06-30;advanced;5;;0
"""
SERVERS: Final = """\
Kunde;Geraet;Kerne
K-1001;web-1;8
K-1001;web-2;8
K-1002;db-1;16
"""
FIELD_OF_COLUMN: Final = (
    *("Kunde=account_id", "Firma=name", "Mail=email", "Sprache=locale", "Auftrag=order_id", "Beginn=starts_at"),
    *("Monate=months", "Ende=expires_on", "Paket=edition", "Server=protected_servers"),
    *("Verlaengerung=auto_renewal_months", "Guthaben=balance", "Geraet=server_id", "Kerne=cores"),
)
"""As `--map` takes them."""

POLICY: Final = """\
charge_notice_days = [7]

[[reminders]]
min_months = 12
days = [30, 7, 1]
"""
"""What the firm wants otherwise than the policy that comes with Tenure."""
_PRICES_FROM_JUNE: Final = """
[[price_lists]]
version = "2026-06"
valid_from = 2026-06-01
[price_lists.editions]
anti-virus = { core_price = "1" }
advanced = { server_price = "10" }
enterprise = { server_price = "24" }
ultimate = { server_price = "24", core_price = "1" }
[price_lists.features]
anti_ransomware_gb = "0.05"
log_storage_gb = "0.10"
web_tamper_proofing = "30"
honeypot = "25"
image_scan = "0.20"
configuration_check = "0.0005"
malicious_file_detection = "1"
application_protection = "5"
vulnerability_fix = "0.30"
"""


def catalog_with_june() -> str:
    """The catalog that comes with Tenure, with a second price list: a server of `advanced` costs 10.00, not 9.50."""
    return catalog.DEFAULT.read_text("utf-8") + _PRICES_FROM_JUNE
