"""Uses the models; prints `ok NAME` for each thing that went as it does on PostgreSQL."""

from contextlib import suppress
from decimal import Decimal

from django.core.management.base import BaseCommand
from django.db import IntegrityError, transaction
from django.db.models import Count, Sum

from shop.models import Customer, Order


class Command(BaseCommand):
    def handle(self, *args, **options):
        with transaction.atomic():
            ann, _ = Customer.objects.update_or_create(name="ann", defaults={"wants": {"tea": [1, 2]}})
            Order.objects.bulk_create([Order(customer=ann, total=Decimal(n)) for n in range(1, 11)])
        assert Customer.objects.get(wants__tea__contains=[2]).name == "ann"
        print("ok json")
        found = Customer.objects.annotate(n=Count("orders"), t=Sum("orders__total")).get(name="ann")
        assert (found.n, found.t) == (10, Decimal(55))
        print("ok aggregates")
        with suppress(IntegrityError), transaction.atomic():
            Customer.objects.create(name="ann")
        assert Customer.objects.count() == 1
        print("ok savepoints")
        with transaction.atomic():
            assert sum(o.total for o in Order.objects.select_for_update().iterator(chunk_size=3)) == 55
        print("ok server_side_cursor")
        ann.delete()
        assert Order.objects.count() == 0
        print("ok cascades")
