"""Chinese (simplified): what is said of an order that is refused, also where a renewal would be."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    # order_rejected
    "order_rejected.badge": "未受理",
    "order_rejected.subject": "未受理：{request}",
    "order_rejected.subject.order": "未受理：{request} {order}",
    "order_rejected.title": "我们无法受理您的请求",
    "order_rejected.unchanged": "没有任何变更，也没有产生任何费用。",
    "request.purchase.ordered": "购买",
    "request.renewal.ordered": "续费",
    "request.renewal.change_ordered": "续费并变更规格",
    "request.renewal.declined": "放弃续费",
    "request.specification.change_ordered": "变更规格",
    "request.auto_renewal.enabled": "开启自动续费",
    "request.auto_renewal.disabled": "关闭自动续费",
    "request.server.bound": "为服务器绑定配额",
    "request.server.unbound": "为服务器解绑配额",
    "request.other": "请求",
    "rejected.order_conflict": "已有相同编号但内容不同的订单。请使用新的订单编号重新下单。",
    "rejected.not_subscribed": "此账户还没有订阅，请先购买。",
    "rejected.subscription_released": "此订阅已被释放，无法再续费或变更。您可以重新购买。",
    "rejected.already_subscribed": "此账户已有订阅，请续费或变更现有订阅。",
    "rejected.not_active": "只有在订阅有效期间才能进行此操作，请先续费。",
    "rejected.terms_not_accepted": "尚未同意服务条款，请同意后重新下单。",
    "rejected.invalid_duration": "不提供此时长。请选择 1 至 12、24 或 36 个月。",
    "rejected.invalid_cycle": "自动续费周期只能是 1、3 或 12 个月。",
    "rejected.auto_renewal_too_late": "距离到期日太近，无法开启自动续费，这一次请您手动续费。",
    "rejected.feature_out_of_range": "增值服务的数量不在可购买的范围内。",
    "rejected.pending_renewal_order": "有一个续费订单尚未生效，在其生效之前无法变更规格。",
    "rejected.mode_change_not_allowed": "防护模式不能从部分防护改回全量防护。",
    "rejected.downgrade_only_at_renewal": "降低版本或减少云蜜罐授权只能在续费时进行。",
    "rejected.servers_below_inventory": "全量防护必须覆盖每一台已注册的服务器，而规格中的服务器数量不足。",
    "rejected.servers_below_inventory.figures": "全量防护必须覆盖每一台已注册的服务器：已注册 {required}，"
    "规格中为 {offered}，还差 {missing}。请选择更大的配额、释放服务器，或改为部分防护。",
    "rejected.servers_below_bound": "规格中的服务器数量少于已绑定配额的服务器数量。",
    "rejected.servers_below_bound.figures": "已为 {required}绑定配额，而规格中为 {offered}，还差 {missing}。"
    "请选择更大的配额，或解绑服务器。",
    "rejected.cores_below_inventory": "全量防护必须覆盖每一台已注册的服务器，而规格中的核数不足。",
    "rejected.cores_below_inventory.figures": "全量防护必须覆盖所有已注册服务器的核数：已注册 {required}，"
    "规格中为 {offered}，还差 {missing}。请选择更大的配额、释放服务器，或改为部分防护。",
    "rejected.cores_below_bound": "规格中的核数少于已绑定配额的服务器的核数。",
    "rejected.cores_below_bound.figures": "已绑定配额的服务器共有 {required}，而规格中为 {offered}，还差 {missing}。"
    "请选择更大的配额，或解绑服务器。",
    "rejected.quota_exhausted": "剩余配额不足以绑定此服务器。请解绑其他服务器，或选择更大的配额。",
}
