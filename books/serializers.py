"""The books on the wire."""

from api.serializers.base import ModelSerializer
from api.serializers.fields import Validated
from books.models import Books


class BooksSerializer(ModelSerializer[Books]):
    """The last day that is closed; null if nothing is."""

    class Meta:
        model = Books
        fields = ["closed_through"]

    def update(self, instance: Books, validated_data: Validated) -> Books:
        """Close or open the books; the same day again changes nothing."""
        instance.closed_through = validated_data.get("closed_through", instance.closed_through)
        instance.save()
        return instance
