"""The calls: one that reads a row, and one that moves money."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.plain.models import Account, Entry, Transfer


class AccountSerializer(serializers.ModelSerializer[Account]):
    class Meta:
        model = Account
        fields = ("id", "balance")


class TransferSerializer(serializers.Serializer[Any]):
    payer = serializers.UUIDField()
    payee = serializers.UUIDField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2, min_value=0)
    summary = serializers.CharField(max_length=500, allow_blank=True)


class AccountView(APIView):
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(AccountSerializer(get_object_or_404(Account, pk=pk)).data)


class TransferView(APIView):
    def post(self, request: Request) -> Response:
        sent = TransferSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        amount = sent.validated_data["amount"]
        with transaction.atomic():
            ids = [sent.validated_data["payer"], sent.validated_data["payee"]]
            locked = Account.objects.select_for_update().filter(pk__in=ids).order_by("pk")
            accounts = {account.pk: account for account in locked}
            source, target = (accounts[pk] for pk in ids)
            if source.balance < amount:
                return Response({"detail": "Too little."}, status.HTTP_400_BAD_REQUEST)
            source.balance -= amount
            target.balance += amount
            source.save(update_fields=["balance"])
            target.save(update_fields=["balance"])
            transfer = Transfer.objects.create(
                source=source, target=target, amount=amount, summary=sent.validated_data["summary"]
            )
            for account, change in ((source, -amount), (target, amount)):
                Entry.objects.create(
                    transfer=transfer, account=account, amount=change, balance_after=account.balance
                )
        return Response(
            {"transfer": transfer.pk, "balance": str(target.balance)}, status.HTTP_201_CREATED
        )
