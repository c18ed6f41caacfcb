"""English: what is said in every message but the refusals."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str | Mapping[str, str]]] = {
    # Around every message
    "greeting": "Hello {name},",
    "greeting.nameless": "Hello,",
    "advice.good": "What happens next",
    "advice.calm": "What happens next",
    "advice.warning": "What you can do",
    "advice.urgent": "What you can do",
    "button": "Open your inbox",
    "footer.account": "You receive this message as the contact of account {account}.",
    "footer.zone": "Times are shown in your time zone, {zone}.",
    "footer.zone_unknown": "We do not know your time zone, so times are shown in UTC.",
    "footer.preferences": "Choose which messages you get",
    "footer.reference": "Reference: {reference}",
    "fact": "{label}: {value}",
    "moment": "{day} at {time} ({zone})",
    # Counting
    "months": {"one": "{n} month", "other": "{n} months"},
    "servers": {"one": "{n} server", "other": "{n} servers"},
    "cores": {"one": "{n} core", "other": "{n} cores"},
    "when.today": "today",
    "when.tomorrow": "tomorrow",
    "when.days": {"one": "in {n} day", "other": "in {n} days"},
    # What is kept, and deleted in the end
    "kept.asset_group": {"one": "{n} asset group", "other": "{n} asset groups"},
    "kept.tag": {"one": "{n} tag", "other": "{n} tags"},
    "kept.quarantined_file": {"one": "{n} quarantined file", "other": "{n} quarantined files"},
    "kept.vulnerability_whitelist": {"one": "{n} vulnerability whitelist", "other": "{n} vulnerability whitelists"},
    "kept.baseline_check_policy": {"one": "{n} baseline check policy", "other": "{n} baseline check policies"},
    "kept.other": {"one": "{n} other setting", "other": "{n} other settings"},
    "kept.nothing": "Nothing was stored",
    # The specification
    "edition.value-added": "Value-added services",
    "edition.anti-virus": "Anti-virus",
    "edition.advanced": "Advanced",
    "edition.enterprise": "Enterprise",
    "edition.ultimate": "Ultimate",
    "edition.basic": "Basic",
    "mode.full": "full protection",
    "mode.partial": "partial protection",
    "feature.anti_ransomware_gb": {"other": "{n} GB for anti-ransomware"},
    "feature.log_storage_gb": {"other": "{n} GB of log storage"},
    "feature.web_tamper_proofing": {
        "one": "{n} web tamper proofing license",
        "other": "{n} web tamper proofing licenses",
    },
    "feature.honeypot": {"one": "{n} honeypot license", "other": "{n} honeypot licenses"},
    "feature.image_scan": {"one": "{n} image scan", "other": "{n} image scans"},
    "feature.configuration_check": {"one": "{n} configuration check", "other": "{n} configuration checks"},
    "feature.malicious_file_detection": {"other": "malicious file detection ({n} x 10,000 calls)"},
    "feature.application_protection": {"other": "application protection ({n} x license)"},
    "feature.vulnerability_fix": {"one": "{n} vulnerability fix", "other": "{n} vulnerability fixes"},
    "feature_name.anti_ransomware_gb": "Anti-ransomware capacity in GB",
    "feature_name.log_storage_gb": "Log storage in GB",
    "feature_name.web_tamper_proofing": "Web tamper proofing licenses",
    "feature_name.honeypot": "Honeypot licenses",
    "feature_name.image_scan": "Image scans",
    "feature_name.configuration_check": "Configuration checks",
    "feature_name.malicious_file_detection": "Malicious file detection in 10,000 calls",
    "feature_name.application_protection": "Application protection licenses",
    "feature_name.vulnerability_fix": "Vulnerability fixes",
    # Labels of the facts
    "label.order": "Order",
    "label.request": "Request",
    "label.specification": "Specification",
    "label.previous": "Until now",
    "label.duration": "Duration",
    "label.starts": "Starts",
    "label.ends": "Ends",
    "label.expires_on": "Expiration date",
    "label.auto_renewal": "Auto-renewal",
    "label.effective_on": "In effect from",
    "label.first_attempt": "First deduction",
    "label.fee": "Fee",
    "label.quote": "Renewal price",
    "label.discount": "Coupon discount",
    "label.coupon": "Coupon",
    "label.due": "To be deducted",
    "label.charged": "Deducted from your balance",
    "label.balance": "Your balance",
    "label.shortfall": "Missing",
    "label.attempt": "Attempt",
    "label.next_attempt": "Next attempt",
    "label.retained_until": "Kept until",
    "label.retained": "Kept for you",
    "label.release_at": "Deletion on",
    "label.released_at": "Released on",
    "label.to_delete": "To be deleted",
    "label.purged": "Deleted",
    "label.edition": "Edition now",
    "label.servers": "Servers",
    "label.cores": "Cores",
    "label.price_difference": "Price difference",
    "label.required": "Required",
    "label.offered": "Provided",
    "label.possible_until": "Possible until",
    "label.requested_on": "Requested on",
    "label.feature": "Value-added service",
    "label.name": "Name",
    "label.email": "Email",
    "label.language": "Language",
    "label.time_zone": "Time zone",
    # The words of a range, such as "0, or 10 to 500 in steps of 10"
    "range., or ": ", or ",
    "range. or more": " or more",
    "range. in steps of ": " in steps of ",
    "range. or ": " or ",
    "range. to ": " to ",
    # Auto-renewal in a few words
    "auto_renewal.on": "On, every {cycle}",
    "auto_renewal.off": "Off",
    # activated
    "activated.badge": "Activated",
    "activated.subject": "Your {edition} subscription is active until {day}",
    "activated.title": "Your subscription is active",
    "activated.figure": "is your expiration date",
    "activated.lead": "Thank you for your purchase. Your subscription runs from {starts} until {ends}.",
    "activated.partial": "You chose partial protection: bind quota to the servers that are to be protected. A server"
    " is protected as soon as quota is bound to it.",
    "activated.advice.off": "Auto-renewal is off. We will remind you before your subscription expires, and you can"
    " renew it at any time.",
    "activated.advice.on": "Auto-renewal is on: the fee for the next {cycle} is deducted from your account balance on"
    " {moment}. Please make sure that your balance covers it.",
    "activated.advice.on_late": "Auto-renewal is on, but no deduction is possible before this subscription expires."
    " Please renew it manually this time.",
    # renewed
    "renewed.badge": "Renewed",
    "renewed.manual.subject": "Renewed: your subscription now runs until {day}",
    "renewed.manual.title": "Your subscription is renewed",
    "renewed.manual.lead": "Thank you for renewing. Your subscription goes on without a break, until {ends}.",
    "renewed.automatic.subject": "Renewed automatically: {charged} deducted, new expiration date {day}",
    "renewed.automatic.title": "Your subscription was renewed automatically",
    "renewed.automatic.lead": "We deducted {charged} from your account balance and renewed your subscription for"
    " {months}. It now runs until {ends}.",
    "renewed.automatic.nothing_to_do": "There is nothing you need to do.",
    "renewed.reactivated.subject": "Welcome back: your subscription is active again until {day}",
    "renewed.reactivated.title": "Your subscription is active again",
    "renewed.reactivated.lead": "Your renewal came in time. Protection is on again, and all that you had set up is"
    " there as you left it. Your subscription now runs until {ends}.",
    "renewed.figure": "is your new expiration date",
    # auto_renewal_failed
    "auto_renewal_failed.badge": "Payment failed",
    "auto_renewal_failed.subject": "Auto-renewal failed: {shortfall} missing from your account balance",
    "auto_renewal_failed.title": "We could not renew your subscription",
    "auto_renewal_failed.figure": "is missing from your account balance",
    "auto_renewal_failed.lead": "To renew your subscription we tried to deduct {due}, but your account balance is"
    " only {balance}. Nothing was deducted.",
    "auto_renewal_failed.advice.next": "Add at least {shortfall} to your balance: we try again as soon as a payment"
    " arrives, and in any case on {moment}.",
    "auto_renewal_failed.advice.last": "This was the last planned attempt. Add at least {shortfall} to your balance"
    " before your subscription expires: we try again as soon as a payment arrives.",
    "auto_renewal_failed.advice.manual": "You can also renew manually at any time.",
    # renewal_due
    "renewal_due.badge": "Renewal reminder",
    "renewal_due.off.subject": "Your subscription expires {when}, on {day}",
    "renewal_due.off.title": "Your subscription expires {when}",
    "renewal_due.off.lead": "Protection of your assets ends on {ends}. Renew before then to stay protected without a"
    " break.",
    "renewal_due.off.advice": "Renewing with the same specification for {months} costs {fee}. Auto-renewal is off, so"
    " your subscription does not renew by itself.",
    "renewal_due.will_charge.subject": "We will renew your subscription for {fee}: it expires {when}, on {day}",
    "renewal_due.will_charge.title": "Your subscription will be renewed automatically",
    "renewal_due.will_charge.lead": "Your subscription expires {when}, on {day}. Auto-renewal is on: before it ends on"
    " {ends}, we deduct the fee for the next {months} from your account balance.",
    "renewal_due.will_charge.advice": "Please make sure that your balance covers {fee}; a valid coupon lowers the fee."
    " There is nothing else you need to do.",
    "renewal_due.failed.subject": "Action needed: auto-renewal failed, your subscription expires {when}, on {day}",
    "renewal_due.failed.title": "Auto-renewal failed, and your subscription expires {when}",
    "renewal_due.failed.lead": "We could not deduct the renewal fee because your account balance is too low. If"
    " nothing changes, protection of your assets ends on {ends}.",
    "renewal_due.failed.advice": "Renewing for {months} costs {fee}. Please add to your balance: we try again as soon"
    " as a payment arrives. You can also renew manually.",
    "renewal_due.declined.subject": "As you decided, your subscription ends {when}, on {day}",
    "renewal_due.declined.title": "Your subscription ends {when}",
    "renewal_due.declined.lead": "You told us that you will not renew. Protection of your assets ends on {ends}."
    " This is the only reminder.",
    "renewal_due.declined.advice": "If you change your mind, renew before it ends: renewing with the same"
    " specification for {months} costs {fee}.",
    "renewal_due.figure": {"one": "{n} day left", "other": "{n} days left"},
    "renewal_due.figure.today": "Last day",
    "renewal_due.figure.caption": "Expiration date: {day}",
    "renewal_due.quote": "{fee} for {months}",
    "renewal_due.obstacles": "Why a manual renewal would be refused now",
    "renewal_due.calendar.summary": "Your Tenure subscription expires",
    "renewal_due.calendar.description": "Protection of your assets ends on {ends}."
    " Renewing with the same specification for {months} costs {fee}.",
    # expired
    "expired.badge": "Expired",
    "expired.subject": "Your subscription has expired: renew by {last_day} to keep your settings",
    "expired.title": "Your subscription has expired",
    "expired.figure": "is the last day to renew and keep your settings",
    "expired.lead": "{day} was the last day of your subscription. Your assets are no longer protected.",
    "expired.kept": "What you had set up is kept, unchanged, until {until}: {kept}.",
    "expired.advice": "Renew before then and everything is active again, as you left it. After that your subscription"
    " will be released, and what you had set up deleted.",
    # release_due
    "release_due.badge": "Final notice",
    "release_due.subject": "Final notice: renew by {last_day}, or your settings are deleted",
    "release_due.title": "Your settings are about to be deleted",
    "release_due.figure": "is the last day to renew and keep your settings",
    "release_due.lead": "Your subscription has expired and was not renewed. It will be released on {moment}. From"
    " then on it cannot be renewed, and what you had set up cannot be recovered.",
    "release_due.advice": "Renew before then to restore protection and all that you had set up.",
    # released
    "released.badge": "Released",
    "released.subject": "Your subscription was released and its settings deleted",
    "released.title": "Your subscription was released",
    "released.lead": "Your subscription was not renewed within the grace period. It was released on {moment}, and what"
    " you had set up was deleted.",
    "released.edition": "Your account is now on the {edition} edition.",
    "released.advice": "To protect your servers again, purchase a new subscription. Your list of servers is still"
    " there.",
    # quota_exceeded, quota_restored
    "quota_exceeded.badge": "Quota exceeded",
    "quota_exceeded.subject": "Your quota is exceeded by {excess}",
    "quota_exceeded.title": "You use more than your quota",
    "quota_exceeded.figure": "beyond your quota",
    "quota_exceeded.full.lead": "You have {used} registered, but your subscription covers {quota}. Full protection is"
    " meant to cover every registered server.",
    "quota_exceeded.full.advice": "Upgrade your subscription, release servers that you do not need, or change to"
    " partial protection. As long as the quota is exceeded, you cannot renew manually with the same specification.",
    "quota_exceeded.partial.lead": "You have bound quota to {used}, but your subscription covers {quota}.",
    "quota_exceeded.partial.advice": "Upgrade your subscription, or unbind quota from servers that need no protection.",
    "quota_exceeded.use": "{used} of {quota} used, {excess} too many",
    "quota.use": "{used} of {quota} used",
    "quota_restored.badge": "Quota",
    "quota_restored.subject": "Your quota is sufficient again",
    "quota_restored.full.lead": "All registered servers are covered by your subscription again.",
    "quota_restored.partial.lead": "All servers to which quota is bound are covered by your subscription again.",
    # specification_changed
    "specification_changed.badge": "Specification",
    "specification_changed.subject": "Your specification has changed",
    "specification_changed.lead": "The new specification is in effect as of {moment}.",
    "specification_changed.price.more": "At today's prices it costs {amount} more for the rest of the term.",
    "specification_changed.price.less": "At today's prices it costs {amount} less for the rest of the term.",
    "specification_changed.price.same": "At today's prices it costs the same for the rest of the term.",
    # auto_renewal_enabled, auto_renewal_disabled, renewal_declined
    "auto_renewal_enabled.badge": "Auto-renewal",
    "auto_renewal_enabled.subject": "Auto-renewal is on, every {cycle}",
    "auto_renewal_enabled.title": "Auto-renewal is on",
    "auto_renewal_enabled.lead": "From {day} on, your subscription is renewed automatically, each time for {cycle}.",
    "auto_renewal_enabled.advice": "The first fee is deducted from your account balance on {moment}. Please make sure"
    " that your balance covers it.",
    "auto_renewal_enabled.advice.late": "It comes too late for the current expiration date: please renew manually this"
    " time.",
    "auto_renewal_disabled.badge": "Auto-renewal",
    "auto_renewal_disabled.subject": "Auto-renewal is off",
    "auto_renewal_disabled.lead": "As of {day}, your subscription is no longer renewed automatically.",
    "auto_renewal_disabled.advice": "We will remind you before it expires.",
    "renewal_declined.badge": "Renewal",
    "renewal_declined.subject": "You decided not to renew",
    "renewal_declined.lead": "Auto-renewal is off, and your subscription ends on its expiration date.",
    "renewal_declined.advice": "If you change your mind, simply renew, or switch auto-renewal on again.",
    # contact_changed
    "contact_changed.badge": "Contact",
    "contact_changed.subject": "Your contact details have changed",
    "contact_changed.lead": "From now on we write to the contact below.",
}
