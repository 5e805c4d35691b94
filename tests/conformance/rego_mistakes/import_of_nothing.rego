package policies.p

import data.policies.lib.nowhere

deny contains {"code": "A", "reason": "no"} if nowhere.is_bad(input.resource.name)
