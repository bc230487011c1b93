from django.urls import include, path

from benchmarks.stock.views import StockView

urlpatterns = [path("", include("timesheets.urls")), path("stock", StockView.as_view())]
