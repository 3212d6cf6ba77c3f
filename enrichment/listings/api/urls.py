"""The listings' addresses; they go before enrichment's, whose fields they widen."""

from django.urls import URLPattern, URLResolver, include, path

from enrichment.listings.api import enriching, reading, texts

listings = [
    path("animals", reading.AnimalList.as_view()),
    path("animals/<int:pk>", reading.AnimalDetail.as_view()),
    path("enrich", enriching.EnrichListing.as_view()),
    path("batch-enrich", enriching.BatchEnrich.as_view()),
    path("batches", enriching.ListingBatches.as_view()),
    path("batches/forecast", enriching.ListingForecast.as_view()),
    path("translate", texts.Translate.as_view()),
    path("stats", texts.Stats.as_view()),
    path("respond", texts.RespondToQuestion.as_view()),
]
urlpatterns: list[URLPattern | URLResolver] = [path("api/llm/", include(listings))]
