"""What the shop keeps."""

from django.db import models


class Customer(models.Model):
    name = models.TextField(unique=True)
    wants = models.JSONField(default=dict)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="orders")
    total = models.DecimalField(max_digits=8, decimal_places=2)
    placed = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=["placed"]),)
