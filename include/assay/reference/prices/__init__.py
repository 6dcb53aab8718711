"""What an hour of an EC2 instance type costs: on demand, Linux, shared tenancy, by region, each figure with source and date."""

from assay.reference.prices.price import CURRENCY, PRICE_COLUMNS, Price

__all__ = ["CURRENCY", "PRICE_COLUMNS", "Price"]
